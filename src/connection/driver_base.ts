// The part of a driver common to streams and to the runtime's WebSockets: handler calls, messages
// waiting for a reader, and the end of the connection.

import { ConnectionError, WebSocketError } from "../errors.ts";
import type { PreparedMessage } from "../message/prepared_message.ts";
import type { CloseInfo } from "../session/end.ts";
import type { SessionEvents, SessionState } from "../session/session.ts";
import { CloseCode } from "../wire/close.ts";
import { type MessageOpcode, Opcode } from "../wire/opcode.ts";
import { show } from "../shared/check.ts";
import { callReported, isPromiseLike, reportRejection } from "../shared/user_code.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";
import { Connection } from "./connection.ts";
import type {
  AnyMessage,
  ConnectionTopics,
  HandshakeInfo,
  TopicAnswers,
} from "./connection_driver.ts";
import type { WrittenCallback } from "./arguments.ts";
import type { ConnectionRules } from "./connection_options.ts";
import type { DriverContext, DriverLayer, LayeredDriver } from "./driver_context.ts";
import type { FragmentOpcode, FragmentQueue, QueuedMessage } from "./fragments.ts";
import type { Handlers, LimitReport } from "./handlers.ts";
import { MessageQueue, type MessageQueueOwner } from "./incoming.ts";
import { Keepalive, type KeepaliveOwner } from "./keepalive.ts";
import type { RateLimiter } from "./rate_limit.ts";

/** The purpose of a timer. */
const UNREAD_TIMER = 0;
const LIFETIME_TIMER = 1;

/** State that most connections need only at their end, if at all. */
class DriverExtra<T> {
  layer: DriverLayer<T> | undefined;
  keepalive: Keepalive | undefined;
  queue: MessageQueue | undefined;
  /** Whether messages are discarded as they arrive, because there is no reader. */
  discardsUnread = false;
  unreadTimer: Timer | undefined;
  lifetimeTimer: Timer | undefined;
  topicListener: TopicAnswers | undefined;
  /** The memory last counted for the connection, in bytes. */
  counted = 0;
  info: CloseInfo | undefined;
  closeWaiters: Array<(info: CloseInfo) => void> | undefined;
}

/** Joins the user's connection to the subclass that drives it. */
export abstract class DriverBase<T>
  implements LayeredDriver<T>, SessionEvents, MessageQueueOwner, TimerTarget {
  /** The public object. */
  readonly connection: Connection<T>;
  protected readonly context: DriverContext<T>;
  protected readonly handlers: Handlers<T>;
  protected extra: DriverExtra<T> | undefined;

  /**
   * @param context The shared state.
   * @param handshake The result of the opening handshake, or the head for `readHandshake`.
   * @param data The user's data.
   * @param handlers Handlers of this connection, instead of the shared ones.
   * @param layer The layer before the user, if a subprotocol of the library was negotiated.
   */
  constructor(
    context: DriverContext<T>,
    handshake: HandshakeInfo | string,
    data: T,
    handlers: Handlers<T> | undefined,
    layer: DriverLayer<T> | undefined,
  ) {
    this.context = context;
    this.handlers = handlers ?? context.handlers;
    this.connection = new Connection(this, handshake, data);
    if (layer !== undefined) {
      this.more.layer = layer;
      this.more.topicListener = layer.listener((text) => this.sendPlain(text));
    }
  }

  // Implemented by each driver; described at `ConnectionDriver`.

  abstract readonly state: SessionState;
  abstract readonly remoteAddress: string;
  abstract readonly remotePort: number;
  abstract readonly bufferedAmount: number;
  abstract readonly slow: boolean;
  abstract sendText(text: string, compress?: boolean, written?: WrittenCallback): boolean;
  abstract sendBytes(
    opcode: MessageOpcode,
    bytes: Uint8Array,
    compress?: boolean,
    written?: WrittenCallback,
  ): boolean;
  abstract sendPrepared(message: PreparedMessage): boolean;
  abstract sendDelayed(opcode: MessageOpcode, data: string | Uint8Array): boolean;
  abstract sendStreamFragment(
    opcode: FragmentOpcode,
    bytes: Uint8Array,
    fin: boolean,
    compress: boolean,
  ): boolean;
  abstract endFragments(): void;
  abstract sendControl(
    opcode: typeof Opcode.Ping | typeof Opcode.Pong,
    payload: Uint8Array,
  ): boolean;
  abstract cork(fn: () => void): void;
  abstract drained(): Promise<void>;
  abstract outputDrained(): Promise<void>;
  abstract awaitDrain(bytes: number, newest?: number): boolean;
  abstract cutSlow(): void;
  abstract close(code: number, reason: string, timeout?: number): void;
  abstract fail(error: WebSocketError): void;
  abstract pause(): void;
  abstract resume(): void;

  /** Cuts the connection for a reason. */
  abstract terminateWith(error: WebSocketError): void;
  /** The message queue is full. */
  abstract stopReading(): void;
  /** The message queue has room again. */
  abstract resumeReading(): void;

  /** Counts a text message; returns whether to deliver it. */
  protected abstract takesText(text: string): boolean;
  /**
   * Counts a binary message; returns it in the user's type, or `undefined` if it is not delivered.
   */
  protected abstract takeBytes(
    opcode: MessageOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): AnyMessage | undefined;
  /** Counts a ping or pong; returns whether to call its handler. */
  protected abstract takesControl(hasHandler: boolean): boolean;
  /** Sends a text message of the layer itself. */
  protected abstract sendPlain(text: string): void;
  /** The fragment queue, created for the first fragmented message. */
  protected abstract ensureFragments(): FragmentQueue;
  /** Whether fragments can still be sent. */
  protected abstract readonly takesFragments: boolean;
  /**
   * Queues a message or fragment until the current fragmented message ends. Returns whether more
   * may be sent.
   */
  protected abstract holdMessage(message: QueuedMessage): boolean;
  /** Counts the memory that the connection holds. */
  abstract countMemory(): void;

  /** The layer before the user, if a subprotocol of the library was negotiated. */
  protected get layer(): DriverLayer<T> | undefined {
    return this.extra?.layer;
  }

  protected get rules(): ConnectionRules {
    const { layer } = this;
    return layer === undefined ? this.context.connectionRules : layer.rules;
  }

  protected get more(): DriverExtra<T> {
    return this.extra ??= new DriverExtra();
  }

  /** The topics of the server. */
  get topics(): ConnectionTopics | undefined {
    return this.context.topics;
  }

  /** Receives notices about topics. */
  get topicListener(): TopicAnswers | undefined {
    return this.extra?.topicListener;
  }

  /** Cuts the connection. */
  terminate(): void {
    this.terminateWith(new WebSocketError("TERMINATED", "The connection was cut by terminate()"));
  }

  /** Starts the timers of an open connection. */
  protected startTimers(owner: KeepaliveOwner): void {
    const { rules } = this;
    if (Keepalive.isWanted(rules)) this.more.keepalive = new Keepalive(rules, owner);
    if (rules.maxLifetime > 0) {
      const delay = rules.maxLifetime * (0.9 + 0.2 * Math.random());
      this.more.lifetimeTimer = timers.start(delay, this, LIFETIME_TIMER);
    }
  }

  /** A timer is due. */
  timerFired(kind: number): void {
    if (kind === LIFETIME_TIMER) this.close(CloseCode.GoingAway, "maximum lifetime reached");
    else this.unreadTooLong();
  }

  // Messages.

  /** A text message arrived. */
  onText(text: string): void {
    if (!this.takesText(text)) return;
    const { handlers } = this;
    if (handlers.message === undefined) {
      this.enqueue(text);
      return;
    }
    try {
      const result = handlers.message(this.connection, text, Opcode.Text);
      if (result !== undefined) this.#watch("message", result);
    } catch (error) {
      this.#handlerFailed("message", error);
    }
  }

  /** A binary message arrived. */
  onBytes(opcode: MessageOpcode, bytes: Uint8Array, start: number, end: number): void {
    const data = this.takeBytes(opcode, bytes, start, end);
    if (data === undefined) return;
    const { handlers } = this;
    if (handlers.message === undefined) {
      this.enqueue(data);
      return;
    }
    try {
      const result = handlers.message(this.connection, data as Uint8Array<ArrayBuffer>, opcode);
      if (result !== undefined) this.#watch("message", result);
    } catch (error) {
      this.#handlerFailed("message", error);
    }
  }

  /** A ping arrived. */
  onPing(payload: Uint8Array): void {
    const { ping } = this.handlers;
    if (this.takesControl(ping !== undefined)) this.call("ping", ping, payload);
  }

  /** A pong arrived. */
  onPong(payload: Uint8Array): void {
    const { pong } = this.handlers;
    if (this.takesControl(pong !== undefined)) this.call("pong", pong, payload);
  }

  // Handlers.

  /** Calls a handler other than `message`, if there is one. */
  protected call<A extends unknown[]>(
    name: string,
    handler: ((connection: Connection<T>, ...rest: A) => unknown) | undefined,
    ...rest: A
  ): void {
    if (handler === undefined) return;
    try {
      this.#watch(name, handler.call(this.handlers, this.connection, ...rest));
    } catch (error) {
      this.#handlerFailed(name, error);
    }
  }

  /** Handler promises are not awaited, but rejections are handled. */
  #watch(name: string, result: unknown): void {
    if (isPromiseLike(result)) {
      result.then(undefined, (error: unknown) => this.#handlerFailed(name, error));
    }
  }

  #handlerFailed(name: string, cause: unknown): void {
    // The closing error that an iterator throws has already been reported.
    const ended = this.extra?.info?.error;
    if (ended !== undefined && cause === ended) return;
    if (this.state === "open") {
      this.fail(
        // The peer receives this message, never the handler's own error.
        new WebSocketError("HANDLER_FAILED", `The ${name} handler failed`, {
          cause,
          closeCode: CloseCode.InternalError,
        }),
      );
    }
    this.reportError(cause);
  }

  /** Passes an error of user code on to `onError`. */
  reportError(error: unknown): void {
    this.context.reportError(error, this.connection);
  }

  /** Calls the function that was given to `cork`. */
  protected callCorked(fn: () => void): void {
    const result: unknown = fn();
    reportRejection(result, (error) => this.reportError(error));
  }

  /** Calls the `written` callback of a message. */
  protected callWritten(written: WrittenCallback, error?: Error): void {
    callReported(
      () => error === undefined ? written() : written(error),
      (failure) => this.reportError(failure),
    );
  }

  // Sending.

  /** A message is not sent, because the connection is not open. */
  protected dropped(written: WrittenCallback | undefined): false {
    if (written === undefined) return false;
    const error = new WebSocketError(
      "NOT_OPEN",
      "Cannot send: the connection is not open any more",
    );
    queueMicrotask(() => this.callWritten(written, error));
    return false;
  }

  /** Sends a fragment of the user's message, queued like other messages. */
  sendFragment(
    opcode: FragmentOpcode,
    bytes: Uint8Array,
    fin: boolean,
    compress: boolean,
  ): boolean {
    if (this.state !== "open") return false;
    const fragments = this.ensureFragments();
    const isFirst = opcode !== Opcode.Continuation;
    if (fragments.isStreaming || (isFirst && fragments.isBusy)) {
      return this.hold(opcode, bytes, compress, undefined, fin ? "last" : "more");
    }
    this.sendStreamFragment(opcode, bytes, fin, compress);
    fragments.pass(fin);
    return this.state === "open" && !this.slow;
  }

  /** Queues a message or fragment. */
  protected hold(
    opcode: FragmentOpcode,
    data: string | Uint8Array,
    compress: boolean,
    written?: WrittenCallback,
    fragment: QueuedMessage["fragment"] = "no",
  ): boolean {
    return this.holdMessage({ opcode, data, compress, written, fragment });
  }

  /** Reserves the connection for a stream; `ended` is called if the connection ends first. */
  async startFragments(ended: () => void): Promise<void> {
    const fragments = this.ensureFragments();
    await fragments.enter();
    fragments.watch(ended);
    // The connection may have started to close while the stream was queued.
    if (!this.takesFragments) fragments.giveUp();
  }

  // Messages waiting for a reader.

  /** Starts reading messages. */
  openReader(): AsyncIterableIterator<AnyMessage, undefined> {
    if (this.handlers.message !== undefined) {
      throw new TypeError("Cannot iterate a connection that has a message handler");
    }
    return this.#queue(this.more).open();
  }

  protected enqueue(data: AnyMessage): void {
    const extra = this.more;
    if (!extra.discardsUnread) this.#queue(extra).push(data);
  }

  #queue(extra: DriverExtra<T>): MessageQueue {
    if (extra.queue === undefined) {
      extra.queue = new MessageQueue(this);
      if (extra.info !== undefined) extra.queue.end(extra.info);
    }
    return extra.queue;
  }

  /** A reader was opened or closed, or messages are waiting without a reader. */
  readerChanged(): void {
    const extra = this.more;
    const queue = extra.queue!;
    if (queue.hasReader) {
      timers.cancel(extra.unreadTimer);
      extra.unreadTimer = undefined;
      extra.discardsUnread = false;
    } else if (queue.length > 0 && extra.info === undefined) {
      this.startUnreadTimer();
    }
  }

  /** Starts the timer for unread messages, unless it is running. */
  startUnreadTimer(): void {
    this.more.unreadTimer ??= timers.start(this.rules.unreadTimeout, this, UNREAD_TIMER);
  }

  /** Stops the timer, unless messages are waiting for a reader. */
  stopUnreadTimer(): void {
    const extra = this.extra;
    if (extra === undefined) return;
    const { queue } = extra;
    if (queue !== undefined && !queue.hasReader && queue.length > 0) return;
    timers.cancel(extra.unreadTimer);
    extra.unreadTimer = undefined;
  }

  /** Messages were unread for too long: discards those waiting for a reader. */
  protected unreadTooLong(): void {
    const extra = this.more;
    extra.unreadTimer = undefined;
    const { queue } = extra;
    if (queue === undefined || queue.hasReader || queue.length === 0) return;
    extra.discardsUnread = true;
    this.limitReached("unreadTimeout", this.rules.unreadTimeout);
    queue.clear();
  }

  /**
   * Checks the peer's rate. Reports an exceeded limit once per excess, and fails the connection if
   * configured.
   *
   * @returns Milliseconds until there is room again; 0 if there is, or the connection is not open.
   */
  enforceRate(rate: RateLimiter): number {
    const { isExceeded: before, onExceed } = rate;
    const wait = rate.wait(performance.now());
    if (wait === 0 || this.state !== "open") return 0;
    if (!before) this.limitReached("rateLimit", rate.exceeded, onExceed !== "report");
    if (onExceed === "close") {
      this.fail(
        new WebSocketError("RATE_LIMITED", "The peer sends more than rateLimit allows", {
          closeCode: CloseCode.PolicyViolation,
        }),
      );
    }
    return wait;
  }

  /** The message queue is empty. */
  emptied(): void {
    this.countMemory();
  }

  /** Calls `onLimit`. */
  protected limitReached(limit: LimitReport["limit"], max: number, enforced = true): void {
    const { connection } = this;
    const { remoteAddress } = connection;
    this.context.limitReached?.({ limit, max, value: max, remoteAddress, enforced, connection });
  }

  // The end.

  /** The connection has ended. */
  protected finish(info: CloseInfo): void {
    const extra = this.more;
    extra.info = info;
    extra.keepalive?.stop();
    timers.cancel(extra.unreadTimer);
    timers.cancel(extra.lifetimeTimer);
    this.context.connectionClosed?.(this.connection);
    this.call("close", this.handlers.close, info);
    extra.queue?.end(info);
    const waiters = extra.closeWaiters;
    extra.closeWaiters = undefined;
    for (const wake of waiters ?? []) wake(info);
  }

  /** Resolves when the connection has ended. */
  whenClosed(): Promise<CloseInfo> {
    const extra = this.more;
    if (extra.info !== undefined) return Promise.resolve(extra.info);
    return new Promise((resolve) => (extra.closeWaiters ??= []).push(resolve));
  }
}

/** The bytes of a message in a separate buffer. */
export function ownBuffer(bytes: Uint8Array, start: number, end: number): ArrayBuffer {
  const { buffer } = bytes;
  if (start === 0 && end === buffer.byteLength && buffer instanceof ArrayBuffer) return buffer;
  return (bytes.slice(start, end) as Uint8Array<ArrayBuffer>).buffer;
}

/** @throws {TypeError} Unless `fn`, the argument of `cork`, is a function. */
export function checkCork(fn: unknown): void {
  if (typeof fn !== "function") {
    throw new TypeError(`Cannot cork: it takes a function, got ${show(fn)}`);
  }
}

/** The error for cutting a peer that reads too slowly. */
export function slowConsumer(size: number, limit: string, value: number): WebSocketError {
  return new WebSocketError(
    "SLOW_CONSUMER",
    `The peer reads too slowly: ${size} bytes are waiting, ${limit} is ${value}`,
    { closeCode: CloseCode.PolicyViolation },
  );
}

/** The error for a close with unsent messages. */
export function notDelivered(count: number): ConnectionError {
  return new ConnectionError(
    "NOT_DELIVERED",
    `${count} accepted messages could not be sent before the close`,
  );
}

/** The error for a lost connection. */
export function lost(message: string, cause?: unknown): ConnectionError {
  return new ConnectionError("CONNECTION_LOST", message, cause === undefined ? {} : { cause });
}
