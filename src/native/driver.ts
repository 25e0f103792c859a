// Drives one connection over a WebSocket that somebody else frames: what the runtime tells goes to the
// user, what the user sends goes to the runtime. It owns flow control, the timers and the order of the
// end; the protocol is the runtime's.

import { ConnectionError, MessageTooBigError, TimeoutError, WebSocketError } from "../errors.ts";
import { Connection, type HandshakeInfo } from "../connection/connection.ts";
import type { DriverLayer, LayeredDriver } from "../connection/driver.ts";
import type {
  AnyMessage,
  ConnectionTopics,
  TopicAnswers,
  WrittenCallback,
} from "../connection/connection_driver.ts";
import type { ConnectionRules } from "../connection/connection_options.ts";
import type { Handlers } from "../connection/handlers.ts";
import { Keepalive, type KeepaliveOwner } from "../connection/keepalive.ts";
import { FragmentQueue } from "../connection/fragments.ts";
import type { PreparedMessage } from "../message/prepared_message.ts";
import type { CloseInfo } from "../session/close_info.ts";
import type { SessionEvents, SessionState } from "../session/session.ts";
import { CloseCode, MAX_CLOSE_REASON } from "../wire/close.ts";
import { type MessageOpcode, Opcode } from "../wire/opcode.ts";
import { callReported } from "../shared/log_error.ts";
import type { ServedConnection } from "../server/server_core.ts";
import { Dispatcher, type DispatcherOwner } from "./dispatcher.ts";
import type { NativeEnd, NativeEngine, NativePeer } from "./engine.ts";

/** What all native connections of one set of options share. */
export interface NativeContext<T> {
  /** The checked options. */
  readonly connectionRules: ConnectionRules;
  /** The user's handlers. */
  readonly handlers: Handlers<T>;
  /** The topics that connections can subscribe to, on a server. */
  readonly topics?: ConnectionTopics;
  /** Receives errors that belong to no open connection. */
  reportError(error: unknown, connection?: Connection<T>): void;
  /** A connection has ended, and its `close` handler is called next. */
  connectionClosed?(connection: Connection<T>): void;
}

/** What has accepted a connection that has yet to open. */
export interface NativeEntry<T> {
  /** The connection is open. Returns whether it may stay. */
  opened(driver: ServedConnection<T>): boolean;
  /** The connection has never opened. */
  abandoned(): void;
}

const NO_BYTES = new Uint8Array(0);

/** Milliseconds between two looks at the buffered output of a runtime that does not report its drain. */
const POLL_INTERVAL = 10;

/** The most bytes that a frame's header has (RFC 6455 section 5.2). */
const MAX_HEADER = 14;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** One connection over a WebSocket of the runtime, seen from the inside. */
export class NativeDriver<T, S> implements LayeredDriver<T>, DispatcherOwner, KeepaliveOwner {
  /** What the user sees of it. */
  readonly connection: Connection<T>;
  /** The peer's address. */
  readonly remoteAddress: string;
  /** The peer's port; 0 where it is not known. */
  readonly remotePort: number;
  /** Receives notices about topics, where the topics subprotocol was agreed on. */
  readonly topicListener: TopicAnswers | undefined;
  readonly #context: NativeContext<T>;
  readonly #rules: ConnectionRules;
  readonly #engine: NativeEngine<S>;
  readonly #dispatcher: Dispatcher<T>;
  readonly #layer: DriverLayer<T> | undefined;
  readonly #events: SessionEvents;
  /** What has accepted the connection, until it is open. */
  #entry: NativeEntry<T> | undefined;
  #socket: S | undefined;
  #state: SessionState = "opening";
  #initiator: "local" | "remote" | undefined;
  #sent: number | undefined;
  #error: WebSocketError | undefined;
  #info: CloseInfo | undefined;
  #wantsDrain = false;
  #keepalive: Keepalive | undefined;
  #lane: FragmentQueue | undefined;
  #laneEnded: (() => void) | undefined;
  /** The chunks of a message that is sent as a stream: the runtime sends whole messages only. */
  #chunks: Uint8Array[] | undefined;
  /** Whether that message is text. */
  #isText = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pollTimer: ReturnType<typeof setTimeout> | undefined;
  #closeWaiters: Array<(info: CloseInfo) => void> | undefined;
  #drainWaiters: Array<() => void> | undefined;
  /** Bytes that arrived since the reader has fallen behind; -1 while it has not. */
  #unread = -1;

  /**
   * @param context What it shares with others.
   * @param engine What the runtime does.
   * @param entry What has accepted it.
   * @param handshake What was agreed in the opening handshake.
   * @param data The user's data.
   * @param peer The peer's address and port.
   * @param handlers Handlers of this connection alone, instead of the shared ones.
   * @param layer What stands before the user, where the topics subprotocol was agreed on.
   */
  constructor(
    context: NativeContext<T>,
    engine: NativeEngine<S>,
    entry: NativeEntry<T>,
    handshake: HandshakeInfo,
    data: T,
    peer: NativePeer,
    handlers?: Handlers<T>,
    layer?: DriverLayer<T>,
  ) {
    this.#context = context;
    this.#rules = layer?.rules ?? context.connectionRules;
    this.#engine = engine;
    this.#entry = entry;
    this.remoteAddress = peer.remoteAddress;
    this.remotePort = peer.remotePort;
    this.connection = new Connection<T>(this, handshake, data);
    this.#dispatcher = new Dispatcher(
      this,
      this.connection,
      handlers ?? context.handlers,
      this.#rules.binaryType,
    );
    this.#layer = layer;
    this.topicListener = layer?.listener((text) => void this.#sendText(text, true));
    this.#events = layer === undefined ? this.#dispatcher : layer.events(this, this.#dispatcher);
  }

  // What the runtime reports.

  /** The connection is open. */
  opened(socket: S): void {
    this.#socket = socket;
    const entry = this.#entry;
    this.#entry = undefined;
    if (this.#state !== "opening" || !entry!.opened(this)) {
      this.#state = "closed";
      this.#engine.terminate(socket);
      return;
    }
    this.#state = "open";
    if (Keepalive.isWanted(this.#rules)) this.#keepalive = new Keepalive(this.#rules, this);
    this.#dispatcher.open();
  }

  /** A text message came. */
  text(text: string): void {
    if (this.#state !== "open") return;
    this.#keepalive?.received();
    const { maxMessageSize } = this.#rules;
    // UTF-8 has three bytes at most for a unit of UTF-16.
    if (text.length * 3 > maxMessageSize && !this.#fits(encoder.encode(text).length)) return;
    if (this.#unread !== -1 && !this.#hasRoom(text.length)) return;
    if (this.#rules.text === "string") {
      this.#events.onText(text);
    } else {
      const bytes = encoder.encode(text);
      this.#events.onBytes(Opcode.Text, bytes, 0, bytes.length);
    }
  }

  /** A binary message came, in memory that nothing else writes to. */
  bytes(bytes: Uint8Array): void {
    if (this.#state !== "open") return;
    this.#keepalive?.received();
    if (bytes.length > this.#rules.maxMessageSize && !this.#fits(bytes.length)) return;
    if (this.#unread !== -1 && !this.#hasRoom(bytes.length)) return;
    this.#events.onBytes(Opcode.Binary, bytes, 0, bytes.length);
  }

  /** A ping came, and the runtime has answered it. */
  pingCame(payload: Uint8Array): void {
    if (this.#state !== "open") return;
    this.#keepalive?.received();
    this.#events.onPing(payload);
  }

  /** A pong came. */
  pongCame(payload: Uint8Array): void {
    if (this.#state !== "open") return;
    this.#keepalive?.received();
    this.#events.onPong(payload);
  }

  /** Buffered output has left. */
  drain(): void {
    this.#keepalive?.moved();
    this.checkDrained();
  }

  /** The runtime has ended the connection. */
  ended(end: NativeEnd): void {
    if (this.#state === "closed") return;
    if (this.#state === "opening") {
      this.#state = "closed";
      this.#entry!.abandoned();
      return;
    }
    // Some runtimes report the end from inside of a call that causes it. Handlers are not called there.
    if (this.#initiator === "local") queueMicrotask(() => this.#finish(end));
    else this.#finish(end);
  }

  // What the user's connection asks for.

  /** The state of the connection. */
  get state(): SessionState {
    return this.#state;
  }

  /** The topics of the server. */
  get topics(): ConnectionTopics | undefined {
    return this.#context.topics;
  }

  /**
   * Starts the closing handshake.
   *
   * @param timeout Milliseconds for it. Default: the option `closeTimeout`.
   * @throws {RangeError} When the runtime cannot send the code.
   */
  close(code: number, reason: string, timeout: number = this.#rules.closeTimeout): void {
    if (this.#state !== "open") return;
    if (!this.#engine.canClose(code)) {
      throw new RangeError(
        `Cannot close: ${this.#engine.name} can send the codes 1000 and 3000-4999, got ${code}`,
      );
    }
    this.#dispatcher.discard();
    this.#startClosing(code, reason, timeout);
  }

  /** Fails the connection. */
  fail(error: WebSocketError): void {
    if (this.#state === "closed" || this.#error !== undefined) return;
    this.#error = error;
    if (this.#state !== "open") return;
    const { closeCode = CloseCode.InternalError } = error;
    // A code that the runtime does not let us send has a counterpart among those of applications.
    const code = this.#engine.canClose(closeCode) ? closeCode : closeCode + 3000;
    this.#startClosing(code, cutReason(error.message), this.#rules.closeTimeout);
  }

  /** Cuts the connection. */
  terminate(): void {
    this.gone(new WebSocketError("TERMINATED", "The connection was cut by terminate()"));
  }

  /** Cuts the connection for a reason. */
  gone(error: WebSocketError): void {
    if (this.#state === "closed") return;
    this.#initiator ??= "local";
    this.#error ??= error;
    this.#state = "closing";
    if (this.#socket !== undefined) this.#engine.terminate(this.#socket);
    // Not every runtime can cut a stream, and then it would report the end late or never.
    queueMicrotask(() => this.#finish({ code: CloseCode.Abnormal, reason: "" }));
  }

  /** @throws {TypeError} Because the runtime delivers messages as they arrive. */
  pause(): void {
    throw new TypeError(
      `Cannot pause: ${this.#engine.name} delivers messages as they arrive and cannot stop reading`,
    );
  }

  /** Does nothing: reading never stops. */
  resume(): void {}

  /** Starts reading messages. */
  openReader(): AsyncIterableIterator<AnyMessage, undefined> {
    return this.#dispatcher.openReader();
  }

  /** Resolves when the connection has ended. */
  whenClosed(): Promise<CloseInfo> {
    if (this.#info !== undefined) return Promise.resolve(this.#info);
    return new Promise((resolve) => (this.#closeWaiters ??= []).push(resolve));
  }

  // What sends.

  /** Bytes that wait to be sent. */
  get bufferedAmount(): number {
    const { size = 0 } = this.#lane ?? {};
    return size + this.#waiting;
  }

  /** Whether more than `highWaterMark` bytes wait to be sent. */
  get slow(): boolean {
    return this.#wantsDrain && this.bufferedAmount > this.#rules.highWaterMark;
  }

  /** Sends a text message. */
  sendText(text: string, compress?: boolean, written?: WrittenCallback): boolean {
    const sent = this.#sendText(this.#layer?.text(text) ?? text, compress ?? true);
    if (written !== undefined) this.#callWritten(written);
    return sent;
  }

  #sendText(text: string, compress: boolean): boolean {
    if (this.#state !== "open") return false;
    if (this.#lane?.isBusy) return this.#hold(Opcode.Text, text, compress);
    try {
      const waiting = this.#engine.sendText(this.#socket!, text, compress);
      return waiting === 0 || this.#accepted(waiting, text);
    } catch (cause) {
      return this.#sendFailed(cause);
    }
  }

  /** Sends a message of bytes. */
  sendBytes(
    opcode: MessageOpcode,
    bytes: Uint8Array,
    compress?: boolean,
    written?: WrittenCallback,
  ): boolean {
    const sent = this.#sendBytes(opcode, this.#layer?.bytes(bytes) ?? bytes, compress ?? true);
    if (written !== undefined) this.#callWritten(written);
    return sent;
  }

  #sendBytes(opcode: MessageOpcode, bytes: Uint8Array, compress: boolean): boolean {
    if (this.#state !== "open") return false;
    if (this.#lane?.isBusy) return this.#hold(opcode, bytes, compress);
    // The runtimes take text as strings only.
    if (opcode === Opcode.Text) return this.#sendText(decoder.decode(bytes), compress);
    try {
      const waiting = this.#engine.sendBytes(this.#socket!, bytes, compress);
      return waiting === 0 || this.#accepted(waiting, bytes);
    } catch (cause) {
      return this.#sendFailed(cause);
    }
  }

  /** Sends a message that was encoded before. */
  sendPrepared(message: PreparedMessage): boolean {
    const whole = this.#layer?.prepared(message) ?? message;
    return whole.opcode === Opcode.Text
      ? this.#sendText(whole.text, true)
      : this.#sendBytes(Opcode.Binary, whole.payload, true);
  }

  /** Sends a message that may wait for others: the runtime gathers what is sent in one turn. */
  sendDelayed(opcode: MessageOpcode, data: string | Uint8Array): boolean {
    return typeof data === "string" ? this.sendText(data) : this.sendBytes(opcode, data);
  }

  /** Takes a fragment of the user's own message, and sends the message when it is complete. */
  sendFragment(
    opcode: MessageOpcode | typeof Opcode.Continuation,
    bytes: Uint8Array,
    last: boolean,
    compress: boolean,
  ): boolean {
    if (this.#state !== "open") return false;
    const lane = this.#fragments();
    const isFirst = opcode !== Opcode.Continuation;
    if (lane.isStreaming || (isFirst && lane.isBusy)) {
      const fragment = last ? "last" : "more";
      lane.hold({ opcode, data: bytes, compress, written: undefined, fragment });
      return !this.slow;
    }
    const more = this.sendStreamFragment(opcode, bytes, last, compress);
    lane.pass(last);
    return more;
  }

  /** Takes a fragment of a stream, and sends the message when it is complete. */
  sendStreamFragment(
    opcode: MessageOpcode | typeof Opcode.Continuation,
    bytes: Uint8Array,
    last: boolean,
    compress: boolean,
  ): boolean {
    if (this.#state !== "open") return false;
    if (opcode !== Opcode.Continuation) {
      bytes = this.#layer?.bytes(bytes) ?? bytes;
      this.#chunks = [];
      this.#isText = opcode === Opcode.Text;
    }
    const chunks = this.#chunks!;
    chunks.push(last && chunks.length === 0 ? bytes : bytes.slice());
    const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    if (!last) {
      if (size <= this.#rules.maxBufferedAmount) return true;
      const limit = this.#rules.maxBufferedAmount;
      throw new RangeError(
        `Cannot send: ${this.#engine.name} sends whole messages only, and the ${size} bytes that ` +
          `the source gave so far exceed maxBufferedAmount (${limit})`,
      );
    }
    this.#chunks = undefined;
    const whole = new Uint8Array(size);
    let at = 0;
    for (const chunk of chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    // The other messages wait for this one, not this one for itself.
    const lane = this.#lane;
    this.#lane = undefined;
    const sent = this.#sendBytes(this.#isText ? Opcode.Text : Opcode.Binary, whole, compress);
    this.#lane = lane;
    return sent;
  }

  /** Sends a ping or a pong. */
  sendControl(opcode: typeof Opcode.Ping | typeof Opcode.Pong, payload: Uint8Array): boolean {
    const [name, send] = opcode === Opcode.Ping
      ? ["ping", this.#engine.ping] as const
      : ["pong", this.#engine.pong] as const;
    if (send === undefined) {
      throw new TypeError(`Cannot ${name}: ${this.#engine.name} cannot send ${name}s`);
    }
    if (this.#state !== "open") return false;
    send(this.#socket!, payload);
    return !this.slow;
  }

  /** Resolves when a message may be sent in parts; `ended` is called if the connection ends then. */
  async startFragments(ended: () => void): Promise<void> {
    await this.#fragments().enter();
    if (this.#state === "closed") ended();
    this.#laneEnded = ended;
  }

  #fragments(): FragmentQueue {
    return this.#lane ??= new FragmentQueue(({ opcode, data, compress, fragment }) => {
      if (fragment !== "no") {
        this.sendStreamFragment(opcode, data as Uint8Array, fragment === "last", compress);
      } else if (typeof data === "string") this.#sendText(data, compress);
      else this.#sendBytes(opcode as MessageOpcode, data, compress);
    });
  }

  /** The message in parts is out. */
  endFragments(): void {
    this.#laneEnded = undefined;
    this.#chunks = undefined;
    this.#lane?.leave();
  }

  /** Calls `fn`; what it sends leaves in one write where the runtime can do that. */
  cork(fn: () => void): void {
    if (typeof fn !== "function") throw new TypeError("Cannot cork: it takes a function");
    if (this.#state === "open" && this.#engine.cork !== undefined) {
      this.#engine.cork(this.#socket!, fn);
    } else fn();
  }

  /** Resolves when no more than `highWaterMark` bytes wait, or the connection has ended. */
  drained(): Promise<void> {
    if (this.#state === "closed" || this.bufferedAmount <= this.#rules.highWaterMark) {
      return Promise.resolve();
    }
    this.#wantDrain();
    return new Promise((resolve) => (this.#drainWaiters ??= []).push(resolve));
  }

  /** The same: what waits for a message in parts is part of it. */
  outputDrained(): Promise<void> {
    return Promise.resolve();
  }

  /** Asks for `sendWaiting` once the peer has caught up; cuts a peer for which too much waits. */
  awaitDrain(bytes: number): boolean {
    const size = this.bufferedAmount + bytes;
    this.#wantDrain();
    if (size <= this.#rules.maxBufferedAmount) return true;
    this.#cut(size, "maxBufferedAmount");
    return false;
  }

  /** Cuts the connection because its peer reads too slowly. */
  cutSlow(): void {
    this.#cut(this.bufferedAmount, "highWaterMark");
  }

  /** Buffered output may have left: those that wait for that are told. */
  checkDrained(): void {
    if (!this.#wantsDrain || this.#state === "closed") return;
    if (this.bufferedAmount > this.#rules.highWaterMark) return this.#wantDrain();
    const topics = this.#context.topics;
    while (!this.slow && topics?.release(this));
    if (this.slow) return this.#wantDrain();
    this.#wantsDrain = false;
    this.#drainWaiters = wakeAll(this.#drainWaiters);
    if (this.#state === "open") this.#dispatcher.drain();
  }

  // What handlers, the reader and the keepalive ask for.

  /** Reports an error that belongs to no open connection. */
  reportError(error: unknown): void {
    this.#context.reportError(error, this.connection);
  }

  /** The reader has fallen behind. The runtime cannot stop reading, so what arrives is counted. */
  stopReading(): void {
    this.#unread = 0;
  }

  /** The reader has caught up. */
  resumeReading(): void {
    this.#unread = -1;
  }

  /** It is time for a ping. */
  ping(): void {
    if (this.#state === "open") this.#engine.ping?.(this.#socket!, NO_BYTES);
  }

  /** Whether the peer could not be heard: never, because reading never stops. */
  get isPaused(): boolean {
    return false;
  }

  /** Whether messages are not read: never, as well. */
  get isStopped(): boolean {
    return false;
  }

  /** Whether a compressed message is being sent in fragments: the runtimes send whole ones. */
  get isSendingCompressed(): boolean {
    return false;
  }

  /** Bytes that have left, which only matters while such a message is sent. */
  get sentBytes(): number {
    return 0;
  }

  /** Bytes that the runtime has taken and that have not left. */
  get unsent(): number {
    return this.#waiting;
  }

  /** The runtime delivers whole messages only. */
  get partialMessage(): number {
    return 0;
  }

  get #waiting(): number {
    return this.#socket === undefined || this.#state === "closed"
      ? 0
      : this.#engine.bufferedAmount(this.#socket);
  }

  /** Whether a message is within `maxMessageSize`; fails the connection otherwise. */
  #fits(size: number): boolean {
    const { maxMessageSize } = this.#rules;
    if (size <= maxMessageSize) return true;
    this.fail(
      new MessageTooBigError(`message of ${size} bytes exceeds maxMessageSize (${maxMessageSize})`),
    );
    return false;
  }

  /** Whether a message may wait for a reader that has fallen behind; fails the connection otherwise. */
  #hasRoom(size: number): boolean {
    this.#unread += size;
    const limit = this.#rules.maxBufferedAmount;
    if (this.#unread <= limit) return true;
    this.fail(
      new WebSocketError(
        "MEMORY_LIMIT",
        `${this.#unread} bytes of unread messages exceed maxBufferedAmount (${limit}), and ` +
          `${this.#engine.name} cannot make the peer wait; read faster or use a message handler`,
        { closeCode: CloseCode.TryAgainLater },
      ),
    );
    return false;
  }

  #startClosing(code: number, reason: string, timeout: number): void {
    this.#initiator ??= "local";
    this.#state = "closing";
    this.#sent = code;
    this.#timer = setTimeout(() => {
      this.gone(
        new TimeoutError(
          "CLOSE_TIMEOUT",
          `The peer did not finish the closing handshake within ${timeout} ms (closeTimeout)`,
        ),
      );
    }, timeout);
    try {
      this.#engine.close(this.#socket!, code, reason);
    } catch (cause) {
      this.gone(lost(`The connection failed while closing: ${messageOf(cause)}`, cause));
    }
  }

  #finish(end: NativeEnd): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#keepalive?.stop();
    clearTimeout(this.#timer);
    clearTimeout(this.#pollTimer);
    const info = this.#closeInfo(end);
    this.#info = info;
    this.#context.connectionClosed?.(this.connection);
    this.#dispatcher.close(info);
    for (const wake of this.#closeWaiters ?? []) wake(info);
    this.#closeWaiters = undefined;
    this.#drainWaiters = wakeAll(this.#drainWaiters);
    this.#laneEnded?.();
    this.#lane?.end();
    this.#socket = undefined;
  }

  #closeInfo({ code, reason, cause }: NativeEnd): CloseInfo {
    const isWhole = code !== CloseCode.Abnormal && cause === undefined;
    // What the runtime has refused by a limit of ours is our doing.
    const own = this.#error ?? (cause instanceof WebSocketError ? cause : undefined);
    if (cause === own && own !== undefined) this.#initiator ??= "local";
    const error = own ?? (isWhole ? undefined : lost(
      cause === undefined
        ? "The connection ended without a closing handshake"
        : `The connection was lost: ${messageOf(cause)}`,
      cause,
    ));
    const received = isWhole && own?.code !== "TERMINATED" ? code : undefined;
    const info = {
      code: own?.closeCode ?? code,
      reason: own?.closeCode === undefined ? reason : own.message,
      clean: error === undefined,
      initiator: this.#initiator ?? "remote",
      // Runtimes echo the peer's code themselves.
      sent: this.#sent ?? received,
      received,
    } as const;
    return error === undefined ? info : { ...info, error };
  }

  /** Whether more may be sent, after something was that waits now. */
  #accepted(waiting: number, message: string | Uint8Array): boolean {
    const { highWaterMark, maxBufferedAmount } = this.#rules;
    if (waiting === -1) {
      this.gone(
        new WebSocketError(
          "SLOW_CONSUMER",
          `${this.#engine.name} has dropped a message because too much waits for this peer`,
          { closeCode: CloseCode.PolicyViolation },
        ),
      );
      return false;
    }
    if (waiting <= highWaterMark) return true;
    this.#wantDrain();
    // One message alone is never the reason to cut a peer.
    if (waiting > maxBufferedAmount && waiting > sizeOf(message) + MAX_HEADER) {
      this.#cut(waiting, "maxBufferedAmount");
    }
    return false;
  }

  #cut(size: number, limit: "highWaterMark" | "maxBufferedAmount"): void {
    const message = `The peer reads too slowly: ${size} bytes wait, ${limit} is ${
      this.#rules[limit]
    }`;
    const closeCode = CloseCode.PolicyViolation;
    this.gone(new WebSocketError("SLOW_CONSUMER", message, { closeCode }));
  }

  /** Lets a message wait for the end of one that is sent in parts. */
  #hold(opcode: MessageOpcode, data: string | Uint8Array, compress: boolean): boolean {
    this.#lane!.hold({ opcode, data, compress, written: undefined, fragment: "no" });
    return !this.slow;
  }

  /** The runtime does not take a message, or not any more. */
  #sendFailed(cause: unknown): boolean {
    this.gone(lost(`${this.#engine.name} cannot send: ${messageOf(cause)}`, cause));
    return false;
  }

  /** The runtimes do not tell when a message has left: when all that is buffered has, it has. */
  #callWritten(written: WrittenCallback): void {
    if (this.#state !== "open") {
      const error = new WebSocketError(
        "NOT_OPEN",
        "Cannot send: the connection is not open any more",
      );
      queueMicrotask(() => callReported(() => written(error), (cause) => this.reportError(cause)));
      return;
    }
    const check = (): void => {
      if (this.#info !== undefined && this.bufferedAmount > 0) {
        callReported(() => written(this.#info!.error), (cause) => this.reportError(cause));
      } else if (this.bufferedAmount === 0) {
        callReported(() => written(), (cause) => this.reportError(cause));
      } else setTimeout(check, POLL_INTERVAL);
    };
    queueMicrotask(check);
  }

  #wantDrain(): void {
    this.#wantsDrain = true;
    if (this.#engine.reportsDrain || this.#pollTimer !== undefined) return;
    this.#pollTimer = setTimeout(() => {
      this.#pollTimer = undefined;
      this.drain();
    }, POLL_INTERVAL);
  }
}

function wakeAll(waiters: Array<() => void> | undefined): undefined {
  for (const wake of waiters ?? []) wake();
}

function sizeOf(message: string | Uint8Array): number {
  return typeof message === "string" ? encoder.encode(message).length : message.length;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** As much of a reason as a Close frame has room for. */
function cutReason(reason: string): string {
  const { read } = encoder.encodeInto(reason, new Uint8Array(MAX_CLOSE_REASON));
  return reason.slice(0, read);
}

function lost(message: string, cause: unknown): ConnectionError {
  return new ConnectionError("CONNECTION_LOST", message, { cause });
}
