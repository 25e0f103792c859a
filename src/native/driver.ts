// Drives one connection over the runtime's WebSocket: passes its events to the user and closes the
// connection; the runtime implements the protocol. `NativeSender` implements sending.

import { MessageTooBigError, TimeoutError, WebSocketError } from "../errors.ts";
import type { AnyMessage } from "../connection/connection_driver.ts";
import { lost, ownBuffer } from "../connection/driver_base.ts";
import type { DriverLayer } from "../connection/driver_context.ts";
import type { Handlers } from "../connection/handlers.ts";
import type { KeepaliveOwner } from "../connection/keepalive.ts";
import { RateLimiter } from "../connection/rate_limit.ts";
import type { MemoryHolder } from "../message/memory_governor.ts";
import type { ServedConnection } from "../server/server_core.ts";
import type { SessionEvents, SessionState } from "../session/session.ts";
import { timers, type TimerTarget } from "../shared/timer_wheel.ts";
import { CloseCode, MAX_CLOSE_REASON } from "../wire/close.ts";
import { type MessageOpcode, Opcode } from "../wire/opcode.ts";
import { messageOf, NativeClosing } from "./closing.ts";
import type { NativeEnd } from "./engine.ts";
import type { NativeHandshakeInfo } from "./request_head.ts";
import { byteLengthOf, type NativeContext, NativeSender } from "./sender.ts";

const NO_BYTES = new Uint8Array(0);

/** Added to close codes that the runtime cannot send, to map them into the application range. */
const CODE_OFFSET = 3000;

const encoder = new TextEncoder();

/** Drives one connection over the runtime's WebSocket; users hold its {@linkcode Connection}. */
export class NativeDriver<T, S> extends NativeSender<T, S>
  implements ServedConnection<T>, KeepaliveOwner, MemoryHolder {
  readonly #events: SessionEvents;
  #state: SessionState = "opening";
  /** Created when the connection begins to close or fail. */
  #closing: NativeClosing | undefined;
  /** The rate limit of the peer, if any. */
  #rate: RateLimiter | undefined;

  /**
   * @param context The shared state.
   * @param handshake The result of the opening handshake.
   * @param data The user's data.
   * @param handlers Handlers of this connection, instead of the shared ones.
   * @param layer The layer before the user, if the topics subprotocol was negotiated.
   */
  constructor(
    context: NativeContext<T, S>,
    handshake: NativeHandshakeInfo,
    data: T,
    handlers?: Handlers<T>,
    layer?: DriverLayer<T>,
  ) {
    super(context, handshake, data, handlers, layer);
    this.#events = layer === undefined ? this : layer.events(this, this);
  }

  // Events of the runtime.

  /**
   * The connection is open.
   *
   * @param accepted Whether the server accepts it.
   */
  opened(socket: S, accepted: boolean): void {
    this.socket = socket;
    if (!accepted) {
      this.#state = "closed";
      this.#terminate(socket);
      return;
    }
    this.#state = "open";
    this.startTimers(this);
    const { rateLimit } = this.rules;
    if (rateLimit !== undefined) this.#rate = new RateLimiter(rateLimit, performance.now());
    this.call("open", this.handlers.open);
  }

  /** A text message arrived. */
  text(text: string): void {
    if (this.#state !== "open") return;
    this.extra?.keepalive?.received();
    const rules = this.rules;
    // A UTF-16 unit has at most three bytes of UTF-8.
    if (text.length * 3 > rules.maxMessageSize && !this.#fits(encoder.encode(text).length)) return;
    if (this.#rate !== undefined && !this.#isTaken(this.#rate, text)) return;
    if (rules.text === "string") {
      this.#events.onText(text);
    } else {
      const bytes = encoder.encode(text);
      this.#events.onBytes(Opcode.Text, bytes, 0, bytes.length);
    }
  }

  /** A binary message arrived, in separate memory. */
  bytes(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#state !== "open") return;
    this.extra?.keepalive?.received();
    if (bytes.length > this.rules.maxMessageSize && !this.#fits(bytes.length)) return;
    if (this.#rate !== undefined && !this.#isTaken(this.#rate, bytes)) return;
    this.#events.onBytes(Opcode.Binary, bytes, 0, bytes.length);
  }

  /** A ping arrived and was answered by the runtime. */
  pingReceived(payload: Uint8Array): void {
    if (this.#state !== "open") return;
    this.extra?.keepalive?.received();
    if (this.#rate === undefined || this.#isTaken(this.#rate, payload)) this.onPing(payload);
  }

  /** A pong arrived. */
  pongReceived(payload: Uint8Array): void {
    if (this.#state !== "open") return;
    this.extra?.keepalive?.received();
    if (this.#rate === undefined || this.#isTaken(this.#rate, payload)) this.onPong(payload);
  }

  /** Buffered output has been sent. */
  drain(): void {
    this.extra?.keepalive?.moved();
    this.sentMore();
  }

  /** The runtime has ended the connection. */
  ended(end: NativeEnd): void {
    if (this.#state === "closed") return;
    // Some runtimes report the end during the call that causes it; handlers must not be called
    // then.
    if (this.#closing?.initiator !== "local" && !this.isCalling) return this.#finish(end);
    const closing = this.#end;
    closing.initiator ??= "remote";
    closing.hasEnded = true;
    this.#state = "closing";
    queueMicrotask(() => this.#finish(end));
  }

  protected override get hasEnded(): boolean {
    return this.#closing?.hasEnded === true;
  }

  // Delivery.

  protected override takesText(): boolean {
    return true;
  }

  protected override takeBytes(
    opcode: MessageOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): AnyMessage {
    if (opcode === Opcode.Binary && this.rules.binaryType === "arraybuffer") {
      return ownBuffer(bytes, start, end);
    }
    const isWhole = start === 0 && end === bytes.length;
    return (isWhole ? bytes : bytes.subarray(start, end)) as Uint8Array<ArrayBuffer>;
  }

  protected override takesControl(): boolean {
    return true;
  }

  protected override enqueue(data: AnyMessage): void {
    super.enqueue(data);
    const queue = this.extra?.queue;
    if (queue !== undefined && queue.length > 0) this.countMemory();
    const limit = this.rules.maxBufferedAmount;
    // A single message never exceeds the limit.
    if (!queue?.isFull || queue.size <= limit || queue.length === 1) return;
    this.fail(
      new WebSocketError(
        "MEMORY_LIMIT",
        `${queue.size} bytes of unread messages exceed maxBufferedAmount (${limit}), and ` +
          `${this.engine.name} cannot make the peer wait; read faster or use a message handler`,
        { closeCode: CloseCode.TryAgainLater },
      ),
    );
  }

  /** Does nothing: the runtime cannot stop reading, so the queue itself is limited. */
  stopReading(): void {}

  /** Does nothing, for the same reason. */
  resumeReading(): void {}

  /** Whether a message is within `maxMessageSize`; otherwise fails the connection. */
  #fits(size: number): boolean {
    const { maxMessageSize } = this.rules;
    if (size <= maxMessageSize) return true;
    this.fail(
      new MessageTooBigError(`message of ${size} bytes exceeds maxMessageSize (${maxMessageSize})`),
    );
    return false;
  }

  /** Counts a message toward `rateLimit`. Returns whether to deliver it. */
  #isTaken(rate: RateLimiter, message: string | Uint8Array): boolean {
    rate.takeMessage();
    if (rate.countsBytes) rate.takeBytes(byteLengthOf(message));
    this.enforceRate(rate);
    return this.#state === "open";
  }

  // Memory.

  protected override unreadTooLong(): void {
    super.unreadTooLong();
    this.countMemory();
  }

  /** Closes the connection because it holds the most memory and the total exceeds the limit. */
  giveUp(error: WebSocketError): void {
    this.limitReached("memoryLimit", this.rules.memoryLimit);
    // A Close frame would only follow the output that the peer does not read.
    const holdsOutput = this.heldOutput * 2 > this.weight;
    this.extra?.queue?.clear();
    this.discardOutput();
    if (holdsOutput) this.terminateWith(error);
    else this.fail(error);
    this.countMemory();
  }

  // Calls of the connection.

  /** The state of the connection. */
  get state(): SessionState {
    return this.#state;
  }

  /** The peer's address. */
  get remoteAddress(): string {
    return this.#handshake.remoteAddress;
  }

  /** The peer's port. */
  get remotePort(): number {
    return this.#handshake.remotePort;
  }

  get #handshake(): NativeHandshakeInfo {
    return this.connection.handshake as NativeHandshakeInfo;
  }

  /** @throws {TypeError} Because the runtime delivers messages as they arrive. */
  pause(): void {
    throw new TypeError(
      `Cannot pause: ${this.engine.name} delivers messages as they arrive and cannot stop reading`,
    );
  }

  /** Does nothing: reading never stops. */
  resume(): void {}

  // Requests of the keepalive.

  /** It is time for a ping. */
  ping(): boolean {
    if (this.#state !== "open" || this.engine.ping === undefined) return false;
    return this.attempt(() => this.engine.ping!(this.socket!, NO_BYTES));
  }

  /** Whether reading from the socket is paused: never. */
  get isPaused(): boolean {
    return false;
  }

  /** Whether reading messages is stopped: never. */
  get isStopped(): boolean {
    return false;
  }

  /** Whether a compressed message is being sent in fragments: never. */
  get isSendingCompressed(): boolean {
    return false;
  }

  /** The runtime hides partial messages. */
  get partialMessage(): number {
    return 0;
  }

  /** The runtime hides how much was sent. */
  get sentBytes(): number {
    return 0;
  }

  // Closing.

  /**
   * Starts the closing handshake.
   *
   * @param timeout The maximum time without progress, in milliseconds. Default: the option
   * `closeTimeout`.
   * @throws {RangeError} When the runtime cannot send the code.
   */
  close(code: number, reason: string, timeout: number = this.rules.closeTimeout): void {
    if (this.#state !== "open") return;
    if (!this.engine.canClose(code)) {
      throw new RangeError(
        `Cannot close: ${this.engine.name} can send the codes 1000 and 3000-4999, got ${code}`,
      );
    }
    const closing = this.#end;
    this.#state = "closing";
    closing.pending = { code, reason };
    if (this.extra?.queue !== undefined) {
      this.extra.queue.clear();
      this.countMemory();
    }
    this.#watchClosing(closing, timeout);
    this.#closeIfSent(closing);
  }

  /** Fails the connection. */
  fail(error: WebSocketError): void {
    if (this.#state === "closed") return;
    const closing = this.#end;
    closing.error ??= error;
    if (this.#state !== "open" && closing.pending === undefined) return;
    closing.pending = undefined;
    const { closeCode = CloseCode.InternalError } = error;
    const code = this.engine.canClose(closeCode) ? closeCode : closeCode + CODE_OFFSET;
    this.#state = "closing";
    this.giveUpStream();
    this.#watchClosing(closing, this.rules.closeTimeout);
    this.#sendClose(closing, code, cutReason(error.message));
  }

  /** Cuts the connection for a reason. */
  terminateWith(error: WebSocketError): void {
    if (this.#state === "closed") return;
    const closing = this.#end;
    closing.initiator ??= "local";
    closing.error ??= error;
    closing.pending = undefined;
    this.#state = "closing";
    this.giveUpStream();
    // Runtimes that cannot cut a stream report the end late or never.
    queueMicrotask(() => this.#finish({ code: CloseCode.Abnormal, reason: "" }));
    if (this.socket !== undefined) this.#terminate(this.socket);
  }

  #terminate(socket: S): void {
    try {
      this.engine.terminate(socket);
    } catch {
      // It still ends here; a Worker may not use the socket of another request.
    }
  }

  get #end(): NativeClosing {
    return this.#closing ??= new NativeClosing();
  }

  /** Whether messages accepted before a close may still be sent. */
  protected override get takesFragments(): boolean {
    return this.#state === "open" ||
      this.#state === "closing" && this.#closing?.pending !== undefined;
  }

  protected override get isReleasing(): boolean {
    return this.#closing?.isReleasing === true;
  }

  protected override streamEnded(): void {
    if (this.#closing !== undefined) this.#closeIfSent(this.#closing);
  }

  /** Sends the Close frame unless accepted messages must be sent first. */
  #closeIfSent(closing: NativeClosing): void {
    const { pending } = closing;
    // Streams are sent first; a message of user fragments may never end.
    if (!this.takesFragments || pending === undefined || this.isStreaming) return;
    const { topics } = this.context;
    if (topics?.delaysClose(this, () => this.#closeIfSent(closing))) return;
    closing.isReleasing = true;
    while (topics?.release(this));
    closing.isReleasing = false;
    closing.pending = undefined;
    // A failed send has ended the connection.
    if (closing.error === undefined) this.#sendClose(closing, pending.code, pending.reason);
  }

  #sendClose(closing: NativeClosing, code: number, reason: string): void {
    closing.initiator ??= "local";
    closing.sent = code;
    const failed = (cause: unknown): void =>
      this.terminateWith(lost(`The connection failed while closing: ${messageOf(cause)}`, cause));
    try {
      this.engine.close(this.socket!, code, reason, failed);
    } catch (cause) {
      failed(cause);
    }
  }

  /** Cuts the connection if its closing handshake makes no progress within the timeout. */
  #watchClosing(closing: NativeClosing, timeout: number): void {
    closing.waitedBefore = this.unsent;
    timers.cancel(closing.timer);
    const target: TimerTarget = {
      timerFired: () => {
        if (this.unsent < closing.waitedBefore) return this.#watchClosing(closing, timeout);
        this.terminateWith(
          new TimeoutError(
            "CLOSE_TIMEOUT",
            `The peer did not finish the closing handshake within ${timeout} ms (closeTimeout)`,
          ),
        );
      },
    };
    closing.timer = timers.start(timeout, target, 0);
  }

  #finish(end: NativeEnd): void {
    if (this.#state === "closed") return;
    const closing = this.#end;
    this.#state = "closed";
    this.forgetMemory();
    timers.cancel(closing.timer);
    const unsent = this.stopSending();
    const info = closing.infoOf(end, unsent.length);
    this.socket = undefined;
    this.giveUpOutput(
      unsent,
      info.clean ? undefined : info.error ?? lost("The connection has ended"),
    );
    this.finish(info);
    this.wakeDrained();
  }
}

/** Truncates a reason to fit a Close frame. */
function cutReason(reason: string): string {
  const { read } = encoder.encodeInto(reason, new Uint8Array(MAX_CLOSE_REASON));
  return reason.slice(0, read);
}
