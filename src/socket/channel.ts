// Joins a session to a transport: what arrives goes through the session to the user's handlers, what
// they send leaves in one write per chunk read. It owns the timers and the order of the end.

import { WebSocketError } from "../errors.ts";
import type { CloseInfo } from "../session/close_info.ts";
import { Session, type SessionShell } from "../session/session.ts";
import type { Transport, TransportSink } from "../transport/transport.ts";
import type { MaskSource } from "../wire/frame_writer.ts";
import type { MessageOpcode, Opcode } from "../wire/opcode.ts";
import {
  Connection,
  type ConnectionLink,
  type HandshakeInfo,
  type MessageQueue,
} from "./connection.ts";
import type { ConnectionRules } from "./connection_options.ts";
import { Delivery, type DeliveryOwner } from "./delivery.ts";
import type { Handlers } from "./handlers.ts";
import { Outbox, type OutboxOwner } from "./outbox.ts";
import { type Timer, timers, type TimerTarget } from "./timer_wheel.ts";

/** What all connections of one `serve` or `connect` share. */
export interface ChannelContext<T> {
  /** The checked options. */
  readonly connectionRules: ConnectionRules;
  /** The user's handlers. */
  readonly handlers: Handlers<T>;
  /** The source of mask keys, on the client's side. */
  readonly masks?: MaskSource | undefined;
  /** Hears of errors that have no connection to go to. */
  reportError(error: unknown): void;
  /** A connection is over, and its `close` handler was called. */
  connectionClosed?(connection: Connection<T>): void;
}

/** What the opening handshake leaves behind. */
export interface ChannelStart {
  /** What arrived behind the handshake. */
  readonly rest: readonly Uint8Array[];
  /** Whether the peer has already ended its direction. */
  readonly ended: boolean;
  /** The answer of the handshake, on a server: it leaves together with what `open` sends. */
  readonly response?: Uint8Array;
  /** Whether the transport still has to tell that it takes more output. */
  readonly congested?: boolean;
}

/** Why a channel does not read: bits, because the reasons overlap. */
const PAUSED_BY_USER = 1;
const PAUSED_BY_INBOX = 2;

const CLOSE_TIMER = 0;

/** One connection, seen from the inside; users see its {@linkcode Connection}. */
export class Channel<T>
  implements TransportSink, SessionShell, OutboxOwner, DeliveryOwner, ConnectionLink, TimerTarget {
  /** What the user sees of it. */
  readonly connection: Connection<T>;
  readonly #context: ChannelContext<T>;
  readonly #delivery: Delivery<T>;
  readonly #transport: Transport;
  readonly #session: Session;
  readonly #outbox: Outbox;
  /** Chunks that arrived, in whole or in part, while reading was stopped. */
  #unread: Uint8Array[] | undefined;
  #endUnread = false;
  #pauses = 0;
  #wantsDrain = false;
  #drainWaiters: Array<() => void> | undefined;
  #ending: "no" | "wanted" | "done" = "no";
  #closeTimer: Timer | undefined;
  #info: CloseInfo | undefined;
  #closeWaiters: Array<(info: CloseInfo) => void> | undefined;

  /**
   * @param context What it shares with others.
   * @param transport The stream, whose opening handshake is done.
   * @param handshake What was agreed in the handshake.
   * @param data The user's data.
   * @param handlers Handlers of this connection alone, instead of the shared ones.
   */
  constructor(
    context: ChannelContext<T>,
    transport: Transport,
    handshake: HandshakeInfo,
    data: T,
    handlers: Handlers<T> = context.handlers,
  ) {
    this.#context = context;
    this.#transport = transport;
    this.#outbox = new Outbox(transport, this);
    this.connection = new Connection(this, handshake, data);
    this.#delivery = new Delivery(this, this.connection, handlers);
    this.#session = new Session(
      context.connectionRules,
      this.#delivery,
      this,
      this.#outbox,
      context.masks,
    );
  }

  /**
   * Begins: the answer of the handshake is written, `open` is called, then what arrived behind the
   * handshake is read, then the stream.
   */
  start(start: ChannelStart): void {
    if (start.congested === true) this.#outbox.wait();
    this.#session.open();
    this.#outbox.cork();
    if (start.response !== undefined) this.#outbox.append(start.response);
    this.#delivery.open();
    this.#outbox.uncork();
    this.flushed();
    for (const chunk of start.rest) this.data(chunk);
    if (start.ended) this.end();
    this.#transport.start(this);
  }

  // What the transport tells.

  /** A chunk arrived. Returns whether its memory may be read into again. */
  data(chunk: Uint8Array): boolean {
    if (this.#unread !== undefined) {
      this.#unread.push(chunk);
      return false;
    }
    this.#delivery.gaveViews = false;
    this.#outbox.cork();
    const at = this.#session.receive(chunk, 0, chunk.length);
    if (at < chunk.length) {
      this.#unread = [chunk.subarray(at)];
      this.#delivery.gaveViews = true;
    }
    this.#outbox.uncork();
    this.flushed();
    return !this.#delivery.gaveViews;
  }

  /** The transport takes output again. */
  drain(): void {
    this.#outbox.drained();
    this.#session.drained();
    this.#outbox.flush();
    this.flushed();
  }

  /** The peer has ended its direction. */
  end(): void {
    if (this.#unread !== undefined) {
      this.#endUnread = true;
      return;
    }
    this.#session.receiveEnd();
    this.flushed();
  }

  /** The stream is over. */
  closed(error?: Error): void {
    timers.cancel(this.#closeTimer);
    this.#closeTimer = undefined;
    this.#unread = undefined;
    this.#ending = "done";
    this.#outbox.close();
    this.#session.streamClosed(error);
  }

  // What the session asks for and tells.

  /** The connection is over. */
  onClosed(info: CloseInfo): void {
    this.#info = info;
    this.#delivery.close(info);
    for (const wake of this.#closeWaiters ?? []) wake(info);
    for (const wake of this.#drainWaiters ?? []) wake();
    this.#closeWaiters = this.#drainWaiters = undefined;
    this.#context.connectionClosed?.(this.connection);
  }

  /** Starts the timer of the closing handshake, once. */
  startCloseTimer(): void {
    this.#closeTimer ??= timers.start(
      this.#context.connectionRules.closeTimeout,
      this,
      CLOSE_TIMER,
    );
    // A paused reader would never see the peer's Close frame.
    this.#goOn(PAUSED_BY_USER | PAUSED_BY_INBOX);
  }

  /** Ends our direction of the stream as soon as the output has left. */
  endOutput(): void {
    if (this.#ending === "no") this.#ending = "wanted";
  }

  /** Cuts the stream. */
  cutStream(): void {
    this.#ending = "done";
    this.#outbox.close();
    this.#transport.destroy();
  }

  /** Whether the transport takes no more output at the moment. */
  get congested(): boolean {
    return this.#outbox.congested;
  }

  /** The closing handshake took too long. */
  timerFired(): void {
    this.#closeTimer = undefined;
    this.#session.closeTimedOut();
  }

  /** Something was written: whoever waits for that is told. */
  flushed(): void {
    if (this.#wantsDrain && this.#outbox.size <= this.#context.connectionRules.highWaterMark) {
      this.#drained();
    }
    if (this.#ending === "wanted" && this.#outbox.empty && !this.#outbox.congested) {
      this.#ending = "done";
      this.#transport.end();
    }
  }

  // What the connection asks for.

  /** Where the session stands. */
  get state(): Session["state"] {
    return this.#session.state;
  }

  /** The peer's address. */
  get remoteAddress(): string {
    return this.#transport.remoteAddress;
  }

  /** Bytes waiting to be sent. */
  get bufferedAmount(): number {
    return this.#outbox.size;
  }

  /** Sends a text message. */
  sendText(text: string): boolean {
    return this.#session.sendText(text) && this.#accepted();
  }

  /** Sends a message of bytes. */
  sendBytes(opcode: MessageOpcode, bytes: Uint8Array): boolean {
    return this.#session.sendBytes(opcode, bytes) && this.#accepted();
  }

  /** Sends a ping or a pong. */
  sendControl(opcode: typeof Opcode.Ping | typeof Opcode.Pong, payload: Uint8Array): boolean {
    return this.#session.sendControl(opcode, payload) && this.#accepted();
  }

  /** Starts the closing handshake. */
  close(code: number, reason: string): void {
    if (this.#session.state !== "open") return;
    this.#outbox.cork();
    this.#session.close(code, reason);
    this.#delivery.discard();
    this.#outbox.uncork();
    this.flushed();
  }

  /** A handler failed. */
  handlerFailed(error: WebSocketError): void {
    this.#outbox.cork();
    this.#session.fail(error);
    this.#outbox.uncork();
    this.flushed();
  }

  /** An error that has no connection left to go to. */
  reportError(error: unknown): void {
    this.#context.reportError(error);
  }

  /** Cuts the connection. */
  terminate(): void {
    this.#session.terminate(
      new WebSocketError("TERMINATED", "The connection was cut by terminate()"),
    );
  }

  /** Calls `fn`; what it sends leaves in one write. */
  cork(fn: () => void): void {
    this.#outbox.cork();
    try {
      fn();
    } finally {
      this.#outbox.uncork();
      this.flushed();
    }
  }

  /** Stops reading from the socket. */
  pause(): void {
    this.#stop(PAUSED_BY_USER);
  }

  /** Reads on. */
  resume(): void {
    this.#goOn(PAUSED_BY_USER);
  }

  /** The inbox's reader has fallen behind. */
  stopReading(): void {
    this.#stop(PAUSED_BY_INBOX);
  }

  /** The inbox's reader has caught up. */
  goOnReading(): void {
    this.#goOn(PAUSED_BY_INBOX);
  }

  /** The queue of an iterator. */
  reader(): MessageQueue {
    return this.#delivery.reader();
  }

  /** Resolves when what waits to be sent is at or below `highWaterMark`, or the connection is over. */
  drained(): Promise<void> {
    const { highWaterMark } = this.#context.connectionRules;
    if (this.#info !== undefined || this.#outbox.size <= highWaterMark) return Promise.resolve();
    this.#wantsDrain = true;
    return new Promise((resolve) => (this.#drainWaiters ??= []).push(resolve));
  }

  /** Resolves when the connection is over. */
  whenClosed(): Promise<CloseInfo> {
    if (this.#info !== undefined) return Promise.resolve(this.#info);
    return new Promise((resolve) => (this.#closeWaiters ??= []).push(resolve));
  }

  /** Whether more may be sent, after something was. */
  #accepted(): boolean {
    const size = this.#outbox.size;
    const { highWaterMark, maxBufferedAmount } = this.#context.connectionRules;
    if (size <= highWaterMark) return true;
    this.#wantsDrain = true;
    if (size > maxBufferedAmount) {
      this.#session.terminate(
        new WebSocketError(
          "SLOW_CONSUMER",
          `The peer reads too slowly: ${size} bytes wait, maxBufferedAmount is ${maxBufferedAmount}`,
          { closeCode: 1008 },
        ),
      );
    }
    return false;
  }

  #drained(): void {
    this.#wantsDrain = false;
    for (const wake of this.#drainWaiters ?? []) wake();
    this.#drainWaiters = undefined;
    if (this.#info !== undefined) return;
    this.#outbox.cork();
    this.#delivery.drain();
    this.#outbox.uncork();
  }

  #stop(reason: number): void {
    // While closing, messages are dropped and only the peer's Close frame is waited for.
    if (this.#session.state !== "open") return;
    if (this.#pauses === 0) {
      this.#session.pause();
      this.#transport.pause();
    }
    this.#pauses |= reason;
  }

  #goOn(reasons: number): void {
    if (this.#pauses === 0) return;
    this.#pauses &= ~reasons;
    if (this.#pauses !== 0) return;
    this.#session.resume();
    // Not at once: the caller may be in the middle of a handler, or of its own loop over messages.
    queueMicrotask(() => this.#readOn());
  }

  #readOn(): void {
    if (this.#pauses !== 0 || this.#info !== undefined) return;
    const chunks = this.#unread;
    this.#unread = undefined;
    for (let i = 0; chunks !== undefined && i < chunks.length; i++) {
      this.data(chunks[i]);
      if (this.#pauses !== 0) {
        this.#keepUnread(chunks, i + 1);
        return;
      }
    }
    if (this.#endUnread) {
      this.#endUnread = false;
      this.end();
    }
    this.#transport.resume();
  }

  /** Reading stopped again among chunks that had waited: the later ones go on waiting. */
  #keepUnread(chunks: Uint8Array[], from: number): void {
    const later = chunks.slice(from);
    if (this.#unread !== undefined) this.#unread.push(...later);
    else if (later.length > 0) this.#unread = later;
  }
}
