// Joins a session to a transport: what arrives goes through the session to the user, what the user
// sends leaves in one write per chunk read. It owns the timers and the order of the end.

import { WebSocketError } from "../errors.ts";
import type { DeflateAgreement } from "../handshake/deflate_offer.ts";
import { PermessageDeflate } from "../message/permessage.ts";
import type { CloseInfo } from "../session/close_info.ts";
import {
  Session,
  type SessionEvents,
  type SessionShell,
  type SessionState,
} from "../session/session.ts";
import type { Transport } from "../transport/transport.ts";
import type { MaskSource } from "../wire/frame_writer.ts";
import { Opcode } from "../wire/opcode.ts";
import { Connection, type HandshakeInfo } from "./connection.ts";
import type {
  ChannelSender,
  ConnectionControl,
  ConnectionTopics,
  MessageQueue,
  TopicAnswers,
} from "./connection_link.ts";
import type { ConnectionRules } from "./connection_options.ts";
import { Delivery, type DeliveryOwner } from "./delivery.ts";
import type { Handlers } from "./handlers.ts";
import { Intake, type IntakeOwner, STOPPED_BY_INBOX, STOPPED_BY_USER } from "./intake.ts";
import { Keepalive, type KeepaliveOwner } from "./keepalive.ts";
import { Outbox, type OutboxOwner } from "./outbox.ts";
import { Outflow, type OutflowOwner } from "./outflow.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";

/** What all connections of one `serve` or `connect` share. */
export interface ChannelContext<T> {
  /** The checked options. */
  readonly connectionRules: ConnectionRules;
  /** The user's handlers. */
  readonly handlers: Handlers<T>;
  /** The source of mask keys, on the client's side. */
  readonly masks?: MaskSource | undefined;
  /** The topics that the connections can listen to, on the server's side. */
  readonly topics?: ConnectionTopics;
  /** Hears of errors that have no connection to go to. */
  reportError(error: unknown): void;
  /** A connection is over, and its `close` handler comes next. */
  connectionClosed?(connection: Connection<T>): void;
}

/** What stands between a channel and its user where the client speaks a subprotocol of the library. */
export interface ChannelLayer<T> {
  /** The options of the connection, with room for what is added to messages. */
  readonly rules: ConnectionRules;
  /** What events go through before they reach the user. */
  events(channel: LayeredChannel<T>, events: SessionEvents): SessionEvents;
  /** What the user sends goes through before it reaches the channel's own sender. */
  sender(sender: ChannelSender): ChannelSender;
}

/** A channel, as its {@linkcode ChannelLayer} sees it. */
export interface LayeredChannel<T> extends ConnectionControl {
  /** What the user sees of it. */
  readonly connection: Connection<T>;
  /** Where answers to the client go. */
  readonly topicListener: TopicAnswers | undefined;
  /** Hears of errors that have no connection to go to. */
  reportError(error: unknown): void;
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

const NO_BYTES = new Uint8Array(0);

/** One connection, seen from the inside; users see its {@linkcode Connection}. */
export class Channel<T>
  implements
    SessionShell,
    IntakeOwner,
    OutboxOwner,
    OutflowOwner,
    DeliveryOwner,
    KeepaliveOwner,
    ConnectionControl,
    TimerTarget {
  /** What the user sees of it. */
  readonly connection: Connection<T>;
  readonly #context: ChannelContext<T>;
  readonly #transport: Transport;
  readonly #outbox: Outbox;
  readonly #delivery: Delivery<T>;
  readonly #session: Session;
  readonly #compression: PermessageDeflate | undefined;
  readonly #intake: Intake;
  #sender: ChannelSender | undefined;
  #keepalive: Keepalive | undefined;
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
   * @param agreement What was agreed about compression, if anything.
   * @param layer What stands before the user, where a subprotocol of the library was agreed on.
   */
  constructor(
    context: ChannelContext<T>,
    transport: Transport,
    handshake: HandshakeInfo,
    data: T,
    handlers?: Handlers<T>,
    agreement?: DeflateAgreement,
    layer?: ChannelLayer<T>,
  ) {
    const { connectionRules: rules, masks } = context;
    const sessionRules = layer?.rules ?? rules;
    this.#context = context;
    this.#transport = transport;
    this.#outbox = new Outbox(transport, this);
    this.connection = new Connection(this, handshake, data);
    this.#delivery = new Delivery(
      this,
      this.connection,
      handlers ?? context.handlers,
      transport.copiesBelow,
    );
    const compression = compressionFor(rules, agreement);
    this.#compression = compression;
    this.#session = new Session(
      compression === undefined ? sessionRules : sessionRules.whenCompressed,
      layer === undefined ? this.#delivery : layer.events(this, this.#delivery),
      this,
      this.#outbox,
      masks,
      compression,
    );
    if (layer !== undefined) this.#sender = layer.sender(this.#makeSender());
    this.#intake = new Intake(transport, this.#session, this);
    if (Keepalive.isWanted(rules)) this.#keepalive = new Keepalive(rules, this);
  }

  /** What sends on it: made when it is first asked for, because there are connections that only listen. */
  get sender(): ChannelSender {
    return this.#sender ??= this.#makeSender();
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
    this.#uncork();
    for (const chunk of start.rest) this.#intake.data(chunk);
    if (start.ended) this.#intake.end();
    this.#transport.start(this.#intake);
  }

  // What the transport tells, by way of the intake.

  /** A chunk arrived. */
  read(chunk: Uint8Array): number {
    if (this.#keepalive !== undefined) this.#keepalive.heard();
    this.#delivery.gaveViews = false;
    this.#outbox.cork();
    const at = this.#session.receive(chunk, 0, chunk.length);
    this.#uncork();
    return at;
  }

  /** Whether the user was given views of the chunk read last. */
  get gaveViews(): boolean {
    return this.#delivery.gaveViews;
  }

  /** The peer has ended its direction. */
  readEnd(): void {
    this.#session.receiveEnd();
    this.flushed();
  }

  /** The transport takes output again. */
  drain(): void {
    this.#keepalive?.moved();
    this.#outbox.drained();
    this.#session.drained();
    this.#outbox.flush();
    this.flushed();
  }

  /** The stream is over. */
  closed(error?: Error): void {
    timers.cancel(this.#closeTimer);
    this.#keepalive?.stop();
    this.#ending = "done";
    this.#outbox.close();
    this.#session.streamClosed(error);
  }

  // What the session asks for.

  /** The connection is over. */
  onClosed(info: CloseInfo): void {
    this.#info = info;
    this.#compression?.close();
    this.#context.connectionClosed?.(this.connection);
    this.#delivery.close(info);
    for (const wake of this.#closeWaiters ?? []) wake(info);
    this.#closeWaiters = undefined;
    this.#sender?.end();
  }

  /** Starts the timer of the closing handshake, once. */
  startCloseTimer(): void {
    this.#closeTimer ??= timers.start(this.#rules.closeTimeout, this, 0);
    // A stopped reader would never see the peer's Close frame.
    this.#intake.go(STOPPED_BY_USER | STOPPED_BY_INBOX);
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

  // What the outbox, the timers, the handlers and the keepalive tell.

  /** Something was written: whoever waits for that is told. */
  flushed(): void {
    this.#sender?.checkDrained();
    if (this.#ending === "wanted" && this.#outbox.empty && !this.#outbox.congested) {
      this.#ending = "done";
      this.#transport.end();
    }
  }

  /** The closing handshake took too long. */
  timerFired(): void {
    this.#session.closeTimedOut();
  }

  /** What waits to be sent is at or below `highWaterMark` again. */
  drained(): void {
    this.#outbox.cork();
    this.#delivery.drain();
    this.#outbox.uncork();
  }

  /** There is room for the messages of topics that wait outside of the output. */
  sendWaiting(): boolean {
    const { topics } = this.#context;
    if (topics === undefined) return false;
    this.#outbox.cork();
    const sent = topics.release(this);
    this.#outbox.uncork();
    return sent;
  }

  /** A handler failed. */
  handlerFailed(error: WebSocketError): void {
    this.fail(error);
  }

  /** An error that has no connection left to go to. */
  reportError(error: unknown): void {
    this.#context.reportError(error);
  }

  /** It is time for a ping. */
  ping(): void {
    this.#session.sendControl(Opcode.Ping, NO_BYTES);
  }

  /** Whether the peer could not be heard if it spoke. */
  get deaf(): boolean {
    return this.#intake.stopped;
  }

  /** The number of the message that the peer is in the middle of. */
  get messageUnderWay(): number {
    return this.#session.messageUnderWay;
  }

  /** Bytes that the transport has taken and that have not left. */
  get unsent(): number {
    return this.#transport.bufferedAmount;
  }

  /** The peer is gone. */
  gone(error: WebSocketError): void {
    this.#session.terminate(error);
  }

  /** The reader of an iterator or a stream has fallen behind. */
  stopReading(): void {
    this.#stop(STOPPED_BY_INBOX);
  }

  /** The reader has caught up. */
  goOnReading(): void {
    this.#intake.go(STOPPED_BY_INBOX);
  }

  // What the connection asks for.

  /** Where the session stands. */
  get state(): SessionState {
    return this.#session.state;
  }

  /** Who is told about its topics. */
  get topicListener(): TopicAnswers | undefined {
    return this.#sender?.topicListener;
  }

  /** The topics of the server. */
  get topics(): ConnectionTopics | undefined {
    return this.#context.topics;
  }

  /** The peer's address. */
  get remoteAddress(): string {
    return this.#transport.remoteAddress;
  }

  /** The peer's port. */
  get remotePort(): number {
    return this.#transport.remotePort ?? 0;
  }

  /**
   * Starts the closing handshake.
   *
   * @param timeout Milliseconds for it. Default: the option `closeTimeout`.
   */
  close(code: number, reason: string, timeout?: number): void {
    if (this.#session.state !== "open") return;
    if (timeout !== undefined) this.#closeTimer = timers.start(timeout, this, 0);
    this.#outbox.cork();
    this.#session.close(code, reason);
    this.#delivery.discard();
    this.#uncork();
  }

  /** Fails the connection. */
  fail(error: WebSocketError): void {
    this.#outbox.cork();
    this.#session.fail(error);
    this.#uncork();
  }

  /** Cuts the connection. */
  terminate(): void {
    this.#session.terminate(
      new WebSocketError("TERMINATED", "The connection was cut by terminate()"),
    );
  }

  /** Writes what waits to be written. */
  flush(): void {
    this.#outbox.flush();
    this.flushed();
  }

  /** Sends bytes that are frames already. */
  sendFrames(bytes: Uint8Array): boolean {
    if (this.#session.state !== "open") return false;
    this.#outbox.append(bytes);
    return true;
  }

  /** Stops reading from the socket. */
  pause(): void {
    this.#stop(STOPPED_BY_USER);
  }

  /** Reads on. */
  resume(): void {
    this.#intake.go(STOPPED_BY_USER);
  }

  /** The queue of an iterator. */
  reader(): MessageQueue {
    return this.#delivery.reader();
  }

  /** Resolves when the connection is over. */
  whenClosed(): Promise<CloseInfo> {
    if (this.#info !== undefined) return Promise.resolve(this.#info);
    return new Promise((resolve) => (this.#closeWaiters ??= []).push(resolve));
  }

  get #rules(): ConnectionRules {
    return this.#context.connectionRules;
  }

  #makeSender(): Outflow {
    return new Outflow(this.#rules, this.#session, this.#outbox, this, this.#compression);
  }

  #uncork(): void {
    this.#outbox.uncork();
    this.flushed();
  }

  #stop(reason: number): void {
    // While closing, messages are dropped and only the peer's Close frame is waited for.
    if (this.#session.state === "open") this.#intake.stop(reason);
  }
}

function compressionFor(
  rules: ConnectionRules,
  agreement: DeflateAgreement | undefined,
): PermessageDeflate | undefined {
  if (agreement === undefined || rules.compression === undefined) return undefined;
  return new PermessageDeflate(rules.compression, agreement.inbound, agreement.outbound);
}
