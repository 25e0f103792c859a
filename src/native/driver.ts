// Drives one connection over a WebSocket that somebody else frames: what the runtime reports goes to the
// user, what the user sends goes to the runtime. It owns flow control, the timers and the order of the
// end; the protocol is the runtime's.

import { ConnectionError, MessageTooBigError, TimeoutError, WebSocketError } from "../errors.ts";
import { Connection, type HandshakeInfo } from "../connection/connection.ts";
import type {
  AnyMessage,
  ConnectionTopics,
  TopicAnswers,
  WrittenCallback,
} from "../connection/connection_driver.ts";
import type { ConnectionRules } from "../connection/connection_options.ts";
import type { DriverContext, DriverLayer, LayeredDriver } from "../connection/driver_context.ts";
import { type FragmentOpcode, FragmentQueue, type QueuedMessage } from "../connection/fragments.ts";
import type { Handlers } from "../connection/handlers.ts";
import { MessageQueue, type MessageQueueOwner } from "../connection/incoming.ts";
import { Keepalive, type KeepaliveOwner } from "../connection/keepalive.ts";
import type { PreparedMessage } from "../message/prepared_message.ts";
import type { ServedConnection } from "../server/server_core.ts";
import type { CloseInfo } from "../session/close_info.ts";
import type { SessionEvents, SessionState } from "../session/session.ts";
import { callReported, reportRejection } from "../shared/log_error.ts";
import { isPromiseLike } from "../shared/promises.ts";
import { type Timer, timers } from "../shared/timer_wheel.ts";
import { CloseCode, MAX_CLOSE_REASON } from "../wire/close.ts";
import { type MessageOpcode, Opcode } from "../wire/opcode.ts";
import type { NativeEnd, NativeEngine, NativePeer } from "./engine.ts";

/** The acceptor of a connection that is not open yet. */
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

/** Added to a close code that the runtime cannot send, to map it into the application range. */
const CODE_OFFSET = 3000;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

type RuntimeTimer = ReturnType<typeof setTimeout>;

/** State that few connections need, or only while closing. */
class NativeExtra {
  keepalive: Keepalive | undefined;
  queue: MessageQueue | undefined;
  /** Whether messages are discarded as they arrive, because there is no reader. */
  discardsUnread = false;
  /** Bytes that arrived since the reader has fallen behind; -1 while it has not. */
  unread = -1;
  unreadTimer: RuntimeTimer | undefined;
  lifetimeTimer: RuntimeTimer | undefined;
  closeTimer: Timer | undefined;
  pollTimer: RuntimeTimer | undefined;
  /** The bytes that waited at the last look at the closing handshake. */
  waitedBefore = 0;
  fragments: FragmentQueue | undefined;
  streamEnded: (() => void) | undefined;
  /** The fragments of a message that is not complete: the runtime sends whole messages only. */
  parts: Uint8Array[] = [];
  partsSize = 0;
  isText = false;
  /** Called when all that was sent has left. */
  written: WrittenCallback[] = [];
  drainWaiters: Array<() => void> = [];
  topicListener: TopicAnswers | undefined;
  initiator: "local" | "remote" | undefined;
  sent: number | undefined;
  /** The Close frame that waits for what was accepted before: a stream, messages of topics. */
  pendingClose: { readonly code: number; readonly reason: string } | undefined;
  error: WebSocketError | undefined;
  info: CloseInfo | undefined;
  closeWaiters: Array<(info: CloseInfo) => void> = [];
}

/** Drives one connection over a WebSocket of the runtime; users hold its {@linkcode Connection}. */
export class NativeDriver<T, S>
  implements
    ServedConnection<T>,
    LayeredDriver<T>,
    SessionEvents,
    KeepaliveOwner,
    MessageQueueOwner {
  /** The public object. */
  readonly connection: Connection<T>;
  readonly #context: DriverContext<T>;
  readonly #engine: NativeEngine<S>;
  readonly #handlers: Handlers<T>;
  readonly #peer: NativePeer;
  readonly #layer: DriverLayer<T> | undefined;
  readonly #events: SessionEvents;
  /** The acceptor of the connection, until it is open. */
  #entry: NativeEntry<T> | undefined;
  #socket: S | undefined;
  #state: SessionState = "opening";
  #wantsDrain = false;
  /** Whether messages of topics that were accepted before the close are being sent. */
  #isReleasing = false;
  #extra: NativeExtra | undefined;

  /**
   * @param context The shared state.
   * @param engine The runtime's operations.
   * @param entry The acceptor.
   * @param handshake The result of the opening handshake.
   * @param data The user's data.
   * @param peer The peer's address and port.
   * @param handlers Handlers of this connection alone, instead of the shared ones.
   * @param layer The layer before the user, if the topics subprotocol was negotiated.
   */
  constructor(
    context: DriverContext<T>,
    engine: NativeEngine<S>,
    entry: NativeEntry<T>,
    handshake: HandshakeInfo,
    data: T,
    peer: NativePeer,
    handlers?: Handlers<T>,
    layer?: DriverLayer<T>,
  ) {
    this.#context = context;
    this.#engine = engine;
    this.#entry = entry;
    this.#peer = peer;
    this.#handlers = handlers ?? context.handlers;
    this.#layer = layer;
    this.connection = new Connection<T>(this, handshake, data);
    this.#events = layer === undefined ? this : layer.events(this, this);
    if (layer !== undefined) {
      this.#more.topicListener = layer.listener((text) => this.#sendPlain(text));
    }
  }

  // Events of the runtime.

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
    const rules = this.#rules;
    if (Keepalive.isWanted(rules)) this.#more.keepalive = new Keepalive(rules, this);
    if (rules.maxLifetime > 0) {
      this.#more.lifetimeTimer = setTimeout(
        () => this.close(CloseCode.GoingAway, "maximum lifetime reached"),
        rules.maxLifetime * (0.9 + 0.2 * Math.random()),
      );
    }
    this.#call("open", this.#handlers.open);
  }

  /** A text message came. */
  text(text: string): void {
    if (this.#state !== "open") return;
    this.#extra?.keepalive?.received();
    const rules = this.#rules;
    // UTF-8 has three bytes at most for a unit of UTF-16.
    if (text.length * 3 > rules.maxMessageSize && !this.#fits(encoder.encode(text).length)) return;
    if (rules.text === "string") {
      this.#events.onText(text);
    } else {
      const bytes = encoder.encode(text);
      this.#events.onBytes(Opcode.Text, bytes, 0, bytes.length);
    }
  }

  /** A binary message came, in memory of its own. */
  bytes(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#state !== "open") return;
    this.#extra?.keepalive?.received();
    if (bytes.length > this.#rules.maxMessageSize && !this.#fits(bytes.length)) return;
    this.#events.onBytes(Opcode.Binary, bytes, 0, bytes.length);
  }

  /** A ping came, and the runtime has answered it. */
  pingCame(payload: Uint8Array): void {
    if (this.#state !== "open") return;
    this.#extra?.keepalive?.received();
    this.onPing(payload);
  }

  /** A pong came. */
  pongCame(payload: Uint8Array): void {
    if (this.#state !== "open") return;
    this.#extra?.keepalive?.received();
    this.onPong(payload);
  }

  /** Buffered output has left. */
  drain(): void {
    const extra = this.#extra;
    extra?.keepalive?.moved();
    if (extra !== undefined && extra.written.length > 0 && this.#waiting === 0) {
      for (const written of extra.written.splice(0)) this.#tell(written);
    }
    this.#checkDrained();
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
    if (this.#extra?.initiator === "local") queueMicrotask(() => this.#finish(end));
    else this.#finish(end);
  }

  // Delivery.

  /** A text message is delivered. */
  onText(text: string): void {
    this.#deliver(text, Opcode.Text);
  }

  /** Another message is delivered. */
  onBytes(opcode: MessageOpcode, bytes: Uint8Array, start: number, end: number): void {
    const view =
      (start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end)) as Uint8Array<
        ArrayBuffer
      >;
    const isBuffer = opcode === Opcode.Binary && this.#rules.binaryType === "arraybuffer";
    this.#deliver(isBuffer ? ownBuffer(view) : view, opcode);
  }

  /** A ping is delivered. */
  onPing(payload: Uint8Array): void {
    this.#call("ping", this.#handlers.ping, payload);
  }

  /** A pong is delivered. */
  onPong(payload: Uint8Array): void {
    this.#call("pong", this.#handlers.pong, payload);
  }

  // Calls of the connection.

  /** The state of the connection. */
  get state(): SessionState {
    return this.#state;
  }

  /** The peer's address. */
  get remoteAddress(): string {
    return this.#peer.remoteAddress;
  }

  /** The peer's port. */
  get remotePort(): number {
    return this.#peer.remotePort;
  }

  /** The topics of the server. */
  get topics(): ConnectionTopics | undefined {
    return this.#context.topics;
  }

  /** Receives notices about topics. */
  get topicListener(): TopicAnswers | undefined {
    return this.#extra?.topicListener;
  }

  /**
   * Starts the closing handshake.
   *
   * @param timeout Milliseconds that it may be without progress. Default: the option `closeTimeout`.
   * @throws {RangeError} When the runtime cannot send the code.
   */
  close(code: number, reason: string, timeout: number = this.#rules.closeTimeout): void {
    if (this.#state !== "open") return;
    if (!this.#engine.canClose(code)) {
      throw new RangeError(
        `Cannot close: ${this.#engine.name} can send the codes 1000 and 3000-4999, got ${code}`,
      );
    }
    const extra = this.#more;
    this.#state = "closing";
    extra.pendingClose = { code, reason };
    extra.queue?.clear();
    this.#watchClosing(extra, timeout);
    this.#closeIfSent(extra);
  }

  /** Fails the connection. */
  fail(error: WebSocketError): void {
    if (this.#state === "closed") return;
    const extra = this.#more;
    extra.error ??= error;
    if (this.#state !== "open" && extra.pendingClose === undefined) return;
    extra.pendingClose = undefined;
    const { closeCode = CloseCode.InternalError } = error;
    const code = this.#engine.canClose(closeCode) ? closeCode : closeCode + CODE_OFFSET;
    this.#state = "closing";
    this.#giveUpStream(extra);
    this.#watchClosing(extra, this.#rules.closeTimeout);
    this.#sendClose(extra, code, cutReason(error.message));
  }

  /** Cuts the connection. */
  terminate(): void {
    this.gone(new WebSocketError("TERMINATED", "The connection was cut by terminate()"));
  }

  /** Cuts the connection for a reason. */
  gone(error: WebSocketError): void {
    if (this.#state === "closed") return;
    const extra = this.#more;
    extra.initiator ??= "local";
    extra.error ??= error;
    extra.pendingClose = undefined;
    this.#state = "closing";
    this.#giveUpStream(extra);
    // Not every runtime can cut a stream, and then it would report the end late or never.
    queueMicrotask(() => this.#finish({ code: CloseCode.Abnormal, reason: "" }));
    if (this.#socket !== undefined) this.#engine.terminate(this.#socket);
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
    if (this.#handlers.message !== undefined) {
      throw new TypeError("Cannot iterate a connection that has a message handler");
    }
    return this.#queue(this.#more).open();
  }

  /** Resolves when the connection has ended. */
  whenClosed(): Promise<CloseInfo> {
    const extra = this.#more;
    if (extra.info !== undefined) return Promise.resolve(extra.info);
    return new Promise((resolve) => extra.closeWaiters.push(resolve));
  }

  // Sending.

  /** Bytes that wait to be sent. */
  get bufferedAmount(): number {
    const extra = this.#extra;
    return this.#waiting + (extra?.fragments?.size ?? 0) + (extra?.partsSize ?? 0);
  }

  /** Whether more than `highWaterMark` bytes wait to be sent. */
  get slow(): boolean {
    return this.#wantsDrain && this.bufferedAmount > this.#rules.highWaterMark;
  }

  /** Sends a text message. */
  sendText(text: string, compress?: boolean, written?: WrittenCallback): boolean {
    if (this.#state !== "open") return this.#dropped(written);
    if (this.#layer !== undefined) text = this.#layer.text(text);
    if (this.#extra?.fragments?.isBusy) {
      return this.#hold(Opcode.Text, text, compress !== false, written);
    }
    return this.#sendText(text, compress !== false, written);
  }

  /** Sends a message of bytes. */
  sendBytes(
    opcode: MessageOpcode,
    bytes: Uint8Array,
    compress?: boolean,
    written?: WrittenCallback,
  ): boolean {
    if (this.#state !== "open") return this.#dropped(written);
    if (this.#layer !== undefined) bytes = this.#layer.bytes(bytes);
    if (this.#extra?.fragments?.isBusy) {
      return this.#hold(opcode, bytes, compress !== false, written);
    }
    return this.#sendBytes(opcode, bytes, compress !== false, written);
  }

  /** Sends a message that was encoded before. */
  sendPrepared(message: PreparedMessage): boolean {
    if (this.#state !== "open" && !this.#isReleasing) return false;
    if (this.#layer !== undefined) message = this.#layer.prepared(message);
    const isText = message.opcode === Opcode.Text;
    if (this.#extra?.fragments?.isBusy) {
      return this.#hold(message.opcode, isText ? message.text : message.payload, true);
    }
    return isText
      ? this.#sendText(message.text, true)
      : this.#sendBytes(Opcode.Binary, message.payload, true);
  }

  /** Sends a message that may wait for others: the runtime decides when it leaves. */
  sendDelayed(opcode: MessageOpcode, data: string | Uint8Array): boolean {
    return typeof data === "string" ? this.sendText(data) : this.sendBytes(opcode, data);
  }

  /** Takes a fragment of the user's own message, and sends the message when it is complete. */
  sendFragment(
    opcode: FragmentOpcode,
    bytes: Uint8Array,
    fin: boolean,
    compress: boolean,
  ): boolean {
    if (this.#state !== "open") return false;
    const fragments = this.#fragments;
    const isFirst = opcode !== Opcode.Continuation;
    if (fragments.isStreaming || (isFirst && fragments.isBusy)) {
      const fragment = fin ? "last" : "more";
      fragments.hold({ opcode, data: bytes, compress, written: undefined, fragment });
      return !this.slow;
    }
    const sent = this.sendStreamFragment(opcode, bytes, fin, compress);
    fragments.pass(fin);
    return sent;
  }

  /** Reserves the connection for a stream. */
  async startFragments(ended: () => void): Promise<void> {
    await this.#fragments.enter();
    if (this.#takesOutput) this.#more.streamEnded = ended;
    else ended();
  }

  /** Takes a fragment of the stream, and sends the message when it is complete. */
  sendStreamFragment(
    opcode: FragmentOpcode,
    bytes: Uint8Array,
    fin: boolean,
    compress: boolean,
  ): boolean {
    if (!this.#takesOutput) return false;
    const extra = this.#more;
    if (opcode !== Opcode.Continuation) {
      extra.parts = [];
      extra.partsSize = 0;
      extra.isText = opcode === Opcode.Text;
    }
    extra.parts.push(bytes.slice());
    extra.partsSize += bytes.length;
    const { highWaterMark, maxBufferedAmount } = this.#rules;
    if (!fin) {
      if (extra.partsSize <= maxBufferedAmount) return extra.partsSize <= highWaterMark;
      this.fail(
        new WebSocketError(
          "MEMORY_LIMIT",
          `${this.#engine.name} sends whole messages only, and ${extra.partsSize} bytes of one in ` +
            `fragments exceed maxBufferedAmount (${maxBufferedAmount})`,
          { closeCode: CloseCode.InternalError },
        ),
      );
      return false;
    }
    const whole = joined(extra.parts, extra.partsSize);
    extra.parts = [];
    extra.partsSize = 0;
    const message = this.#layer === undefined ? whole : this.#layer.bytes(whole);
    return this.#sendBytes(extra.isText ? Opcode.Text : Opcode.Binary, message, compress);
  }

  /** The stream is complete or given up. */
  endFragments(): void {
    const extra = this.#more;
    extra.streamEnded = undefined;
    extra.parts = [];
    extra.partsSize = 0;
    extra.fragments?.leave();
    this.#closeIfSent(extra);
  }

  /** Sends a ping or a pong. */
  sendControl(opcode: typeof Opcode.Ping | typeof Opcode.Pong, payload: Uint8Array): boolean {
    const isPing = opcode === Opcode.Ping;
    const send = isPing ? this.#engine.ping : this.#engine.pong;
    if (send === undefined) {
      const name = isPing ? "ping" : "pong";
      throw new TypeError(`Cannot ${name}: ${this.#engine.name} cannot send ${name}s`);
    }
    if (this.#state !== "open") return false;
    send(this.#socket!, payload);
    return !this.slow;
  }

  /** Calls `fn`; what it sends leaves in one write where the runtime can do that. */
  cork(fn: () => void): void {
    if (typeof fn !== "function") throw new TypeError("Cannot cork: it takes a function");
    const call = (): void => {
      const result: unknown = fn();
      reportRejection(result, (error) => this.reportError(error));
    };
    if (this.#state !== "open" || this.#engine.cork === undefined) return call();
    this.#engine.cork(this.#socket!, call);
  }

  /** Resolves when at most `highWaterMark` bytes wait, or the connection has ended. */
  drained(): Promise<void> {
    if (this.#state === "closed" || this.bufferedAmount <= this.#rules.highWaterMark) {
      return Promise.resolve();
    }
    this.#wantDrain();
    return new Promise((resolve) => this.#more.drainWaiters.push(resolve));
  }

  /** Resolves in a later turn: a source that never waits must not keep the event loop from others. */
  outputDrained(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, 0));
  }

  /** Asks for a call of `release` of the topics as soon as there is room. */
  awaitDrain(bytes: number, newest = 0): boolean {
    const size = this.bufferedAmount + bytes;
    this.#wantDrain();
    if (size <= this.#rules.maxBufferedAmount || size === newest) return true;
    this.#cut(size, "maxBufferedAmount");
    return false;
  }

  /** Cuts the connection because its peer reads too slowly. */
  cutSlow(): void {
    this.#cut(this.bufferedAmount, "highWaterMark");
  }

  // Calls of handlers, the reader and the keepalive.

  /** Passes an error of user code on to `onError`. */
  reportError(error: unknown): void {
    this.#context.reportError(error, this.connection);
  }

  /** The reader has fallen behind. The runtime cannot stop reading, so what arrives is counted. */
  stopReading(): void {
    this.#more.unread = this.#extra?.queue?.size ?? 0;
  }

  /** The reader has caught up. */
  resumeReading(): void {
    this.#more.unread = -1;
  }

  /** A reader has come or left, or messages wait while there is none. */
  readerChanged(): void {
    const extra = this.#more;
    const queue = extra.queue!;
    if (queue.hasReader) {
      clearTimeout(extra.unreadTimer);
      extra.unreadTimer = undefined;
      extra.discardsUnread = false;
    } else if (queue.length > 0 && extra.unreadTimer === undefined && extra.info === undefined) {
      extra.unreadTimer = setTimeout(() => {
        extra.unreadTimer = undefined;
        if (queue.hasReader || queue.length === 0) return;
        extra.discardsUnread = true;
        this.#context.limitReached?.("unreadTimeout", this.connection);
        queue.clear();
      }, this.#rules.unreadTimeout);
    }
  }

  /** It is time for a ping. */
  ping(): boolean {
    if (this.#state !== "open") return false;
    this.#engine.ping?.(this.#socket!, NO_BYTES);
    return true;
  }

  /** Whether nothing is read: never. */
  get isPaused(): boolean {
    return false;
  }

  /** Whether messages are not read: never. */
  get isStopped(): boolean {
    return false;
  }

  /** Whether a compressed message is being sent in fragments: never. */
  get isSendingCompressed(): boolean {
    return false;
  }

  /** The runtime hides messages that are not complete. */
  get partialMessage(): number {
    return 0;
  }

  /** The runtime hides how much has left. */
  get sentBytes(): number {
    return 0;
  }

  /** Bytes that the runtime has taken and that have not left. */
  get unsent(): number {
    return this.#waiting;
  }

  get #rules(): ConnectionRules {
    return this.#layer?.rules ?? this.#context.connectionRules;
  }

  get #more(): NativeExtra {
    return this.#extra ??= new NativeExtra();
  }

  get #fragments(): FragmentQueue {
    return this.#more.fragments ??= new FragmentQueue((message) => this.#sendQueued(message));
  }

  get #waiting(): number {
    return this.#socket === undefined ? 0 : this.#engine.bufferedAmount(this.#socket);
  }

  // Delivering.

  #deliver(data: AnyMessage, opcode: MessageOpcode): void {
    const { message } = this.#handlers;
    if (message === undefined) {
      this.#enqueue(this.#more, data);
      return;
    }
    try {
      const result = message.call(
        this.#handlers,
        this.connection,
        data as Uint8Array<ArrayBuffer>,
        opcode,
      );
      if (result !== undefined) this.#watch("message", result);
    } catch (error) {
      this.#handlerFailed("message", error);
    }
  }

  #enqueue(extra: NativeExtra, data: AnyMessage): void {
    if (extra.discardsUnread) return;
    const queue = this.#queue(extra);
    queue.push(data);
    const limit = this.#rules.maxBufferedAmount;
    // One message alone is never the reason.
    if (extra.unread === -1 || queue.size <= limit || queue.length === 1) return;
    this.fail(
      new WebSocketError(
        "MEMORY_LIMIT",
        `${queue.size} bytes of unread messages exceed maxBufferedAmount (${limit}), and ` +
          `${this.#engine.name} cannot make the peer wait; read faster or use a message handler`,
        { closeCode: CloseCode.TryAgainLater },
      ),
    );
  }

  #queue(extra: NativeExtra): MessageQueue {
    if (extra.queue === undefined) {
      extra.queue = new MessageQueue(this);
      if (extra.info !== undefined) extra.queue.end(extra.info);
    }
    return extra.queue;
  }

  #call<A extends unknown[]>(
    name: string,
    handler: ((connection: Connection<T>, ...rest: A) => unknown) | undefined,
    ...rest: A
  ): void {
    if (handler === undefined) return;
    try {
      this.#watch(name, handler.call(this.#handlers, this.connection, ...rest));
    } catch (error) {
      this.#handlerFailed(name, error);
    }
  }

  /** A handler's promise is not waited for, but its rejection is seen. */
  #watch(name: string, result: unknown): void {
    if (isPromiseLike(result)) {
      result.then(undefined, (error: unknown) => this.#handlerFailed(name, error));
    }
  }

  #handlerFailed(name: string, cause: unknown): void {
    // The error of the end itself, which an iterator throws, has been told.
    const ended = this.#extra?.info?.error;
    if (ended !== undefined && cause === ended) return;
    // The peer is told this message, and what the handler threw is none of its business.
    const message = `The ${name} handler failed`;
    const closeCode = CloseCode.InternalError;
    if (this.#state === "open") {
      this.fail(new WebSocketError("HANDLER_FAILED", message, { cause, closeCode }));
    }
    this.reportError(cause);
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

  // Sending.

  #sendText(text: string, compress: boolean, written?: WrittenCallback): boolean {
    let waiting: number;
    try {
      waiting = this.#engine.sendText(this.#socket!, text, compress);
    } catch (cause) {
      return this.#sendFailed(cause);
    }
    if (written !== undefined) this.#whenWritten(waiting, written);
    return waiting === 0 || this.#accepted(waiting, text);
  }

  #sendBytes(
    opcode: MessageOpcode,
    bytes: Uint8Array,
    compress: boolean,
    written?: WrittenCallback,
  ): boolean {
    // The runtimes take text as strings only.
    if (opcode === Opcode.Text) return this.#sendText(decoder.decode(bytes), compress, written);
    let waiting: number;
    try {
      waiting = this.#engine.sendBytes(this.#socket!, bytes, compress);
    } catch (cause) {
      return this.#sendFailed(cause);
    }
    if (written !== undefined) this.#whenWritten(waiting, written);
    return waiting === 0 || this.#accepted(waiting, bytes);
  }

  /** Sends a message that waited for the end of one in fragments. */
  #sendQueued({ opcode, data, compress, written, fragment }: QueuedMessage): void {
    if (!this.#takesOutput) {
      this.#dropped(written);
    } else if (fragment !== "no") {
      this.sendStreamFragment(opcode, data as Uint8Array, fragment === "last", compress);
    } else if (typeof data === "string") {
      this.#sendText(data, compress, written);
    } else {
      this.#sendBytes(opcode as MessageOpcode, data, compress, written);
    }
  }

  /** Sends what the layer itself has to say. */
  #sendPlain(text: string): void {
    if (this.#state !== "open") return;
    if (this.#extra?.fragments?.isBusy) this.#hold(Opcode.Text, text, true);
    else this.#sendText(text, true);
  }

  /** Lets a message wait for the end of one in fragments. */
  #hold(
    opcode: MessageOpcode,
    data: string | Uint8Array,
    compress: boolean,
    written?: WrittenCallback,
  ): boolean {
    this.#fragments.hold({ opcode, data, compress, written, fragment: "no" });
    const size = this.bufferedAmount;
    const { highWaterMark, maxBufferedAmount } = this.#rules;
    if (size <= highWaterMark) return true;
    this.#wantDrain();
    if (size > maxBufferedAmount) this.#cut(size, "maxBufferedAmount");
    return false;
  }

  /** Whether more may be sent, after something was that waits now. */
  #accepted(waiting: number, message: string | Uint8Array): boolean {
    const { highWaterMark, maxBufferedAmount } = this.#rules;
    if (waiting === -1) {
      const why = `${this.#engine.name} has dropped a message: too much waits for this peer`;
      const closeCode = CloseCode.PolicyViolation;
      this.gone(new WebSocketError("SLOW_CONSUMER", why, { closeCode }));
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

  /** The runtime does not take a message, or not any more. */
  #sendFailed(cause: unknown): boolean {
    this.gone(lost(`${this.#engine.name} cannot send: ${messageOf(cause)}`, cause));
    return false;
  }

  /** A message is not sent, because the connection is not open. */
  #dropped(written: WrittenCallback | undefined): false {
    if (written !== undefined) {
      queueMicrotask(() =>
        this.#tell(
          written,
          new WebSocketError("NOT_OPEN", "Cannot send: the connection is not open any more"),
        )
      );
    }
    return false;
  }

  #whenWritten(waiting: number, written: WrittenCallback): void {
    if (waiting === 0) {
      queueMicrotask(() => this.#tell(written));
      return;
    }
    this.#more.written.push(written);
    this.#poll();
  }

  #tell(written: WrittenCallback, error?: Error): void {
    callReported(() => written(error), (failure) => this.reportError(failure));
  }

  #wantDrain(): void {
    this.#wantsDrain = true;
    this.#poll();
  }

  /** Looks at the buffered output from time to time where the runtime does not report its drain. */
  #poll(): void {
    if (this.#engine.reportsDrain || this.#state === "closed") return;
    const extra = this.#more;
    extra.pollTimer ??= setTimeout(() => {
      extra.pollTimer = undefined;
      this.drain();
      if (extra.written.length > 0) this.#poll();
    }, POLL_INTERVAL);
  }

  #checkDrained(): void {
    if (!this.#wantsDrain || this.#state === "closed") return;
    if (this.bufferedAmount > this.#rules.highWaterMark) return this.#poll();
    const { topics } = this.#context;
    while (!this.slow && this.#state === "open" && topics?.release(this));
    if (this.slow) return this.#poll();
    this.#wantsDrain = false;
    for (const wake of this.#more.drainWaiters.splice(0)) wake();
    if (this.#state === "open") this.#call("drain", this.#handlers.drain);
  }

  // Closing.

  /** Whether what was accepted before a close may still be sent. */
  get #takesOutput(): boolean {
    return this.#state === "open" ||
      this.#state === "closing" && this.#extra?.pendingClose !== undefined;
  }

  /** Sends the Close frame if nothing that was accepted before has to go first. */
  #closeIfSent(extra: NativeExtra): void {
    const { pendingClose } = extra;
    // A stream comes first; a message of the user's own fragments may never get its end.
    if (!this.#takesOutput || pendingClose === undefined || extra.fragments?.isStreaming) return;
    const { topics } = this.#context;
    if (topics?.delaysClose(this, () => this.#closeIfSent(extra))) return;
    this.#isReleasing = true;
    while (topics?.release(this));
    this.#isReleasing = false;
    extra.pendingClose = undefined;
    // A message that could not be sent has ended the connection.
    if (extra.error === undefined) this.#sendClose(extra, pendingClose.code, pendingClose.reason);
  }

  /** A stream is sent when it is complete, and now that is too late. */
  #giveUpStream(extra: NativeExtra): void {
    extra.streamEnded?.();
    extra.streamEnded = undefined;
  }

  #sendClose(extra: NativeExtra, code: number, reason: string): void {
    extra.initiator ??= "local";
    extra.sent = code;
    try {
      this.#engine.close(this.#socket!, code, reason);
    } catch (cause) {
      this.gone(lost(`The connection failed while closing: ${messageOf(cause)}`, cause));
    }
  }

  /** Cuts the connection when its closing handshake is without progress for so long. */
  #watchClosing(extra: NativeExtra, timeout: number): void {
    extra.waitedBefore = this.#waiting;
    timers.cancel(extra.closeTimer);
    const timerFired = (): void => {
      if (this.#waiting < extra.waitedBefore) return this.#watchClosing(extra, timeout);
      this.gone(
        new TimeoutError(
          "CLOSE_TIMEOUT",
          `The peer did not finish the closing handshake within ${timeout} ms (closeTimeout)`,
        ),
      );
    };
    extra.closeTimer = timers.start(timeout, { timerFired }, 0);
  }

  #finish(end: NativeEnd): void {
    if (this.#state === "closed") return;
    const extra = this.#more;
    this.#state = "closed";
    extra.keepalive?.stop();
    timers.cancel(extra.closeTimer);
    for (const timer of [extra.unreadTimer, extra.lifetimeTimer, extra.pollTimer]) {
      clearTimeout(timer);
    }
    const unsent = extra.fragments?.end() ?? [];
    const info = this.#closeInfo(extra, end, unsent.length);
    extra.info = info;
    this.#socket = undefined;
    const error = info.error ?? lost("The connection has ended", undefined);
    for (const written of extra.written.splice(0)) {
      queueMicrotask(() => this.#tell(written, info.clean ? undefined : error));
    }
    for (const { written } of unsent) this.#dropped(written);
    this.#giveUpStream(extra);
    this.#context.connectionClosed?.(this.connection);
    this.#call("close", this.#handlers.close, info);
    extra.queue?.end(info);
    for (const wake of extra.closeWaiters.splice(0)) wake(info);
    for (const wake of extra.drainWaiters.splice(0)) wake();
  }

  #closeInfo(extra: NativeExtra, { code, reason, cause }: NativeEnd, unsent: number): CloseInfo {
    const isWhole = code !== CloseCode.Abnormal && cause === undefined;
    // A rejection by the runtime because of our limit is a local failure.
    const limit = cause instanceof WebSocketError && cause.closeCode !== undefined
      ? cause
      : undefined;
    if (limit !== undefined) extra.initiator ??= "local";
    let error: Error | undefined = extra.error ?? limit;
    // A connection that was cut has told the peer nothing.
    const closeCode = extra.sent === undefined ? limit?.closeCode : extra.error?.closeCode;
    if (error === undefined && !isWhole) error = causeError(cause);
    if (error === undefined && unsent > 0) {
      const message = `${unsent} accepted messages could not be sent before the close`;
      error = new ConnectionError("NOT_DELIVERED", message);
    }
    const received = isWhole && extra.error?.code !== "TERMINATED" ? code : undefined;
    const info = {
      code: closeCode ?? code,
      reason: closeCode === undefined ? reason : error!.message,
      clean: error === undefined,
      initiator: extra.initiator ?? "remote",
      // Runtimes echo the peer's code themselves.
      sent: extra.sent ?? received,
      received,
    } as const;
    return error === undefined ? info : { ...info, error };
  }
}

/** The bytes of a message in a buffer of their own. */
function ownBuffer(bytes: Uint8Array<ArrayBuffer>): ArrayBuffer {
  const { buffer } = bytes;
  return bytes.length === buffer.byteLength ? buffer : bytes.slice().buffer;
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function sizeOf(message: string | Uint8Array): number {
  return typeof message === "string" ? encoder.encode(message).length : message.length;
}

/** As much of a reason as a Close frame has room for. */
function cutReason(reason: string): string {
  const { read } = encoder.encodeInto(reason, new Uint8Array(MAX_CLOSE_REASON));
  return reason.slice(0, read);
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function lost(message: string, cause: unknown): ConnectionError {
  return new ConnectionError("CONNECTION_LOST", message, { cause });
}

/** Why a connection has ended without a closing handshake. */
function causeError(cause: unknown): WebSocketError {
  if (cause instanceof WebSocketError) return cause;
  return cause === undefined
    ? lost("The connection ended without a closing handshake", undefined)
    : lost(`The connection was lost: ${messageOf(cause)}`, cause);
}
