// Presents consecutive connections to the user as one.

import { WebSocketError } from "../errors.ts";
import { type TopicRequest, TOPICS_SUBPROTOCOL, writeLine } from "../pubsub/protocol.ts";
import type { CloseInfo } from "../session/end.ts";
import type { MessageOpcode } from "../wire/opcode.ts";
import type { ConnectOptions } from "../client/connect_options.ts";
import type { Connection } from "../connection/connection.ts";
import type { AnyMessage, HandshakeInfo } from "../connection/connection_driver.ts";
import type { Handlers, LimitReport } from "../connection/handlers.ts";
import type { MessageQueue, MessageQueueOwner } from "../connection/incoming.ts";
import { callReported, isPromiseLike, reportError } from "../shared/user_code.ts";
import { Attempts, type Failure } from "./attempts.ts";
import {
  ReconnectingConnection,
  type ReconnectingControl,
  type ReconnectingState,
} from "./connection.ts";
import type { ConnectionLoss, ReconnectingHandlers, ReconnectingRules } from "./options.ts";
import { ReconnectingSender } from "./sender.ts";
import { Subscriptions, type SubscriptionsOwner, type TopicMessageInfo } from "./subscriptions.ts";

/**
 * Stops and resumes reading on one connection. Unlike with `pause`, messages received before the
 * connection ended are still delivered.
 */
export interface ReadControl {
  /** Stops reading. */
  stopReading(): void;
  /** Resumes reading. */
  resumeReading(): void;
}

/**
 * Opens one connection.
 *
 * @param options Its options and handlers.
 * @param created Receives the read control, if any, before `open` is called.
 */
export type Dial = (
  options: ConnectOptions,
  created: (control: ReadControl) => void,
) => Promise<Connection<undefined>>;

/** A queue of messages waiting for a reader. */
export type ReaderQueue = Pick<
  MessageQueue,
  "hasReader" | "length" | "size" | "open" | "push" | "end" | "clear"
>;

/** The operations that differ between pages and runtimes with sockets. */
export interface ReconnectorPort {
  /** Opens one connection. */
  readonly dial: Dial;
  /** Creates the queue of messages waiting for a reader. */
  createQueue(owner: MessageQueueOwner): ReaderQueue;
  /** @throws {TypeError | RangeError} Unless the code and reason are valid for a close. */
  checkClose(code: number, reason: string): void;
  /** Closes a connection because of an error on this side. */
  fail(connection: Connection<undefined>, error: WebSocketError): void;
}

/** The default of `unreadTimeout` in milliseconds. */
const UNREAD_TIMEOUT = 30_000;

/** Opens consecutive connections. */
export class Reconnector<T> extends Attempts
  implements ReconnectingControl, SubscriptionsOwner, MessageQueueOwner {
  /** The public object. */
  readonly connection: ReconnectingConnection<T>;
  /** Sends for all connections. */
  readonly sender: ReconnectingSender;
  /** The topics, if enabled. */
  readonly subscriptions: Subscriptions | undefined;
  /** Resolves when it has ended permanently. */
  readonly closed: Promise<CloseInfo>;
  /** The result of the latest opening handshake. */
  handshake: HandshakeInfo | undefined;
  #tellClosed!: (info: CloseInfo) => void;
  readonly #url: string;
  readonly #rules: ReconnectingRules<T>;
  readonly #port: ReconnectorPort;
  #state: ReconnectingState = "reconnecting";
  #current: Connection<undefined> | undefined;
  #reading: ReadControl | undefined;
  #wasOpen = false;
  /** The local error that closes the current connection, if any. */
  #fault: WebSocketError | undefined;
  #info: CloseInfo | undefined;
  /** The promise of the first connection. */
  #first:
    | { resolve(conn: ReconnectingConnection<T>): void; reject(reason: unknown): void }
    | undefined;
  #lastError: unknown;
  #forgetSignals: () => void = () => {};
  /** Messages waiting for a reader. */
  #queue: ReaderQueue | undefined;
  #queueIsFull = false;
  #unreadTimer: ReturnType<typeof setTimeout> | undefined;
  #discardsUnread = false;
  #isPaused = false;
  /** Handler calls deferred by a pause. */
  #held: Array<() => unknown> = [];

  /**
   * @param port The operations of the runtime.
   * @param url The URL; empty if not known yet.
   * @param rules The checked options.
   * @param data The user's data.
   */
  constructor(port: ReconnectorPort, url: string, rules: ReconnectingRules<T>, data: T) {
    super(rules.reconnect);
    const { maxQueue, topics } = rules.reconnect;
    this.closed = new Promise((resolve) => this.#tellClosed = resolve);
    this.#port = port;
    this.#url = url;
    this.#rules = rules;
    this.sender = new ReconnectingSender(
      maxQueue,
      topics,
      (error) => this.report(error),
      (size) => this.#limitReached("reconnect.maxQueue", maxQueue, size),
    );
    this.subscriptions = topics ? new Subscriptions(this) : undefined;
    this.connection = new ReconnectingConnection(this, data);
  }

  /**
   * Opens the first connection.
   *
   * @param opening Cancels the opening of the first connection.
   */
  start(opening: AbortSignal | undefined): Promise<ReconnectingConnection<T>> {
    return new Promise((resolve, reject) => {
      this.#first = { resolve, reject };
      this.#honorSignals(opening);
      if (this.#state === "reconnecting") this.nextAttempt();
    });
  }

  // Calls of the connection.

  /** The state of the reconnecting connection. */
  get state(): ReconnectingState {
    return this.#state === "open" && this.sender.open === undefined ? "reconnecting" : this.#state;
  }

  /** The URL of the current or last connection. */
  get url(): string {
    return this.handshake?.url ?? this.#url;
  }

  /** The current connection. */
  get current(): Connection<undefined> | undefined {
    return this.#current;
  }

  /** Closes permanently. */
  close(code: number, reason: string): void {
    this.#port.checkClose(code, reason);
    if (this.#state === "closing" || this.#state === "closed") return;
    if (this.#current === undefined) {
      this.#end(this.#closedLocally(code, reason));
      return;
    }
    this.#state = "closing";
    this.sender.end();
    this.#forgetMessages();
    this.#current.close(code, reason);
  }

  /** Fails it permanently. */
  fail(error: WebSocketError): void {
    if (this.#state === "closing" || this.#state === "closed") return;
    if (this.#current === undefined) return this.#endWith(error);
    this.#state = "closing";
    this.sender.end();
    this.#fail(error);
  }

  /** Terminates it permanently. */
  terminate(): void {
    if (this.#state === "closed") return;
    this.#state = "closing";
    this.sender.end();
    if (this.#current !== undefined) return this.#current.terminate();
    this.#endWith(new WebSocketError("TERMINATED", "The connection was cut by terminate()"));
  }

  /** Stops delivery. */
  pause(): void {
    if (this.#isPaused || this.#state === "closed") return;
    this.#isPaused = true;
    if (!this.#queueIsFull) this.#stopReading();
  }

  /** Resumes delivery, starting with deferred calls. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    // Deferred: the caller may be a handler.
    queueMicrotask(() => this.#deliverHeld());
  }

  /** Starts reading messages. */
  openReader(): AsyncIterableIterator<AnyMessage, undefined> {
    if (this.#rules.handlers.message !== undefined) {
      throw new TypeError("Cannot iterate a connection that has a message handler");
    }
    return this.#ensureQueue().open();
  }

  // Calls of the message queue.

  /** The queue is full. */
  stopReading(): void {
    this.#queueIsFull = true;
    if (!this.#isPaused) this.#stopReading();
  }

  /** The queue has room again. */
  resumeReading(): void {
    this.#queueIsFull = false;
    if (!this.#isPaused) this.#resumeReading();
  }

  /** A reader was opened or closed, or messages are waiting without a reader. */
  readerChanged(): void {
    const queue = this.#queue!;
    if (queue.hasReader) {
      this.#stopUnreadTimer();
      this.#discardsUnread = false;
    } else if (queue.length > 0 && this.#unreadTimer === undefined && this.#info === undefined) {
      this.#unreadTimer = setTimeout(() => this.#unreadTooLong(), this.#unreadTimeout);
    }
  }

  /** Messages have waited for a reader for too long. */
  #unreadTooLong(): void {
    this.#unreadTimer = undefined;
    if (this.#queue === undefined || this.#queue.hasReader) return;
    this.#discardsUnread = true;
    this.#limitReached("unreadTimeout", this.#unreadTimeout);
    this.#queue.clear();
  }

  get #unreadTimeout(): number {
    return this.#rules.connect.unreadTimeout ?? UNREAD_TIMEOUT;
  }

  /** Calls `onLimit`. */
  #limitReached(limit: LimitReport["limit"], max: number, value = max): void {
    const { connection } = this;
    const remoteAddress = this.#current?.remoteAddress ?? "";
    const report = { limit, max, value, remoteAddress, enforced: true, connection };
    this.#call((handlers) => handlers.onLimit?.(report));
  }

  // Calls of the topics.

  /** Sends a request about a topic. */
  request(request: TopicRequest): void {
    this.#current?.send(writeLine(request));
  }

  /** Calls a handler, now or after a pause; returns its result if called now. */
  call(handler: () => unknown): unknown {
    if (!this.#isPaused && this.#held.length === 0) return handler();
    this.#held.push(handler);
    return undefined;
  }

  /** A message without a topic arrived. */
  deliver(data: AnyMessage, opcode: MessageOpcode): unknown {
    const { handlers } = this.#rules;
    if (handlers.message === undefined) {
      if (!this.#discardsUnread) this.#ensureQueue().push(data);
      return undefined;
    }
    // The common case without a closure.
    if (this.#isPaused || this.#held.length > 0) {
      return this.call(() => handlers.message?.(this.connection, data as string, opcode));
    }
    return handlers.message(this.connection, data as string, opcode);
  }

  /** A message arrived for a topic subscribed by the server. */
  deliverOther(topic: string, data: AnyMessage, about: TopicMessageInfo): unknown {
    const { handlers } = this.#rules;
    return this.call(() => handlers.topicMessage?.(this.connection, topic, data as string, about));
  }

  /** The server broke the rules of the subprotocol. */
  malformed(reason: string): void {
    this.#fail(
      new WebSocketError("TOPIC_LINE_INVALID", reason, { closeCode: 1007 }),
    );
  }

  // Consecutive connections.

  /** Opens a connection. */
  protected dial(signal: AbortSignal): Promise<unknown> {
    const options: ConnectOptions = {
      ...this.#rules.connect,
      ...this.#handlers(),
      onError: (error) => this.report(error),
      onLimit: (report) =>
        this.#rules.handlers.onLimit?.({ ...report, connection: this.connection }),
      signal,
    };
    this.#reading = undefined;
    return this.#port.dial(options, (control) => this.#reading = control);
  }

  /** Another connection attempt follows after a delay. */
  protected waits(loss: ConnectionLoss): void {
    this.#lastError = loss.error;
    this.#call((handlers) => handlers.reconnecting?.(this.connection, loss));
  }

  /** No further connection is opened. */
  protected gaveUp({ info, error: reason }: Failure, error: Error | undefined): void {
    if (info !== undefined) this.#end(info);
    else this.#endWith(error ?? new Error("The connection attempt failed"), reason);
  }

  /** The handlers of one connection. */
  #handlers(): Handlers<undefined> {
    const { connection, subscriptions } = this;
    const { handlers: own } = this.#rules;
    const handlers: Handlers<undefined> = {
      open: (conn) => this.#opened(conn),
      message: subscriptions === undefined
        ? (_, data, opcode) => this.deliver(data, opcode)
        : (_, data, opcode) => subscriptions.receive(data, opcode),
      close: (_, info) => this.#closed(info),
    };
    if (own.ping) handlers.ping = (_, payload) => own.ping?.(connection, payload);
    if (own.pong) handlers.pong = (_, payload) => own.pong?.(connection, payload);
    if (own.drain) handlers.drain = () => own.drain?.(connection);
    return handlers;
  }

  #opened(conn: Connection<undefined>): unknown {
    this.attemptOpened();
    this.#current = conn;
    this.handshake = conn.handshake;
    if (this.subscriptions !== undefined && conn.protocol !== TOPICS_SUBPROTOCOL) {
      const what = `The server has not accepted the subprotocol ${TOPICS_SUBPROTOCOL}`;
      this.#fail(
        new WebSocketError("TOPICS_UNSUPPORTED", what, { closeCode: 1008 }),
      );
      return undefined;
    }
    const isAgain = this.#wasOpen;
    this.#state = "open";
    this.#wasOpen = true;
    this.sender.opened(conn);
    if (this.#isPaused || this.#queueIsFull) this.#stopReading();
    this.#first?.resolve(this.connection);
    this.#first = undefined;
    const { handlers } = this.#rules;
    let result: unknown = handlers.open?.(this.connection);
    if (isAgain && this.#current === conn) {
      result = both(result, handlers.reconnected?.(this.connection));
    }
    if (this.#current === conn && this.#state === "open") {
      // The last connection has ended.
      this.subscriptions?.connected();
      this.sender.flush();
    }
    return result;
  }

  #closed(ended: CloseInfo): void {
    const fault = this.#fault;
    const info = fault === undefined ? ended : { ...ended, clean: false, error: fault };
    this.#fault = undefined;
    this.#current = undefined;
    this.#reading = undefined;
    this.sender.closed();
    this.subscriptions?.disconnected();
    if (this.#state === "closing") return this.#end(info);
    this.#state = "reconnecting";
    this.attemptFailed({ info, error: info.error });
  }

  /** Closes the current connection because of a local error. */
  #fail(error: WebSocketError): void {
    this.#fault = error;
    if (this.#current !== undefined) this.#port.fail(this.#current, error);
  }

  #closedLocally(code: number, reason: string): CloseInfo {
    const { queued } = this.sender;
    if (queued === 0) return { code, reason, clean: true, initiator: "local" };
    const error = new WebSocketError(
      "NOT_DELIVERED",
      `${queued} accepted messages could not be sent before the close`,
    );
    return { code, reason, clean: false, initiator: "local", error };
  }

  #endWith(error: Error, reason: unknown = error): void {
    const info = { code: 1006, reason: error.message, clean: false, error };
    this.#end({ ...info, initiator: "local" }, reason);
  }

  /** @param reason The rejection of the first connection's promise, if it is still pending. */
  #end(info: CloseInfo, reason: unknown = info.error ?? this.#lastError): void {
    if (this.#info !== undefined) return;
    this.#info = info;
    this.#state = "closed";
    this.#forgetSignals();
    this.stopAttempts();
    this.#stopUnreadTimer();
    this.sender.end();
    this.subscriptions?.end();
    this.#isPaused = false;
    this.#deliverHeld();
    if (this.#wasOpen) this.#call((handlers) => handlers.close?.(this.connection, info));
    this.#first?.reject(
      reason ?? new WebSocketError("NOT_OPEN", "The connection was closed before it opened"),
    );
    this.#first = undefined;
    this.#queue?.end(info);
    this.#tellClosed(info);
  }

  // Messages, and the pauses between them.

  #ensureQueue(): ReaderQueue {
    if (this.#queue === undefined) {
      this.#queue = this.#port.createQueue(this);
      if (this.#info !== undefined) this.#queue.end(this.#info);
    }
    return this.#queue;
  }

  #stopReading(): void {
    if (this.#reading !== undefined) this.#reading.stopReading();
    else this.#current?.pause();
  }

  #resumeReading(): void {
    if (this.#reading !== undefined) this.#reading.resumeReading();
    else this.#current?.resume();
  }

  #deliverHeld(): void {
    while (!this.#isPaused && this.#held.length > 0) {
      const handler = this.#held.shift()!;
      try {
        const result = handler();
        if (isPromiseLike(result)) {
          result.then(undefined, (cause: unknown) => this.#handlerFailed(cause));
        }
      } catch (cause) {
        this.#handlerFailed(cause);
      }
    }
    if (!this.#isPaused && !this.#queueIsFull) this.#resumeReading();
  }

  /** Discards undelivered messages after a close by the user. */
  #forgetMessages(): void {
    this.#held = [];
    this.#queue?.clear();
  }

  #stopUnreadTimer(): void {
    clearTimeout(this.#unreadTimer);
    this.#unreadTimer = undefined;
  }

  // Handlers of the user.

  /** The failure of a deferred handler ends the connection like any other. */
  #handlerFailed(cause: unknown): void {
    this.report(cause);
    this.fail(
      new WebSocketError("HANDLER_FAILED", "A handler failed", {
        cause,
        closeCode: 1011,
      }),
    );
  }

  /** Calls a handler whose failure does not end the connection. */
  #call(handler: (handlers: ReconnectingHandlers<T>) => unknown): void {
    callReported(() => handler(this.#rules.handlers), (error) => this.report(error));
  }

  /** Passes an error to `onError`. */
  protected report(error: unknown): void {
    reportError(this.#rules.handlers.onError?.bind(this.#rules.handlers), error, this.connection);
  }

  #honorSignals(opening: AbortSignal | undefined): void {
    const { signal } = this.#rules.reconnect.options;
    const giveUp = (): void => {
      if (this.#first !== undefined) this.#abandon(opening?.reason);
    };
    const end = (): void => {
      if (this.#first !== undefined) this.#abandon(signal?.reason);
      else this.close(1000, "");
    };
    this.#forgetSignals = () => {
      opening?.removeEventListener("abort", giveUp);
      signal?.removeEventListener("abort", end);
    };
    opening?.addEventListener("abort", giveUp, { once: true });
    signal?.addEventListener("abort", end, { once: true });
    if (opening?.aborted) giveUp();
    else if (signal?.aborted) end();
  }

  /** Ends without ever having been connected. */
  #abandon(reason: unknown): void {
    this.#first?.reject(reason);
    this.#first = undefined;
    this.terminate();
  }
}

/** Combines two results; fails if either fails. */
function both(first: unknown, second: unknown): unknown {
  return isPromiseLike(first) && isPromiseLike(second)
    ? Promise.all([first, second])
    : first ?? second;
}
