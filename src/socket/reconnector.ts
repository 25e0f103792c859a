// The machinery of a connection that lasts: opens one after the other, waits between them, and makes
// one stream of what they bring.

import { WebSocketError } from "../errors.ts";
import { type TopicRequest, TOPICS_SUBPROTOCOL, writeLine } from "../pubsub/topic_protocol.ts";
import type { CloseInfo } from "../session/close_info.ts";
import { CloseCode } from "../wire/close.ts";
import type { MessageOpcode } from "../wire/opcode.ts";
import { show } from "./check.ts";
import type { ConnectOptions } from "./connect_options.ts";
import type { Connection, HandshakeInfo } from "./connection.ts";
import type { Message, MessageQueue } from "./connection_link.ts";
import type { Handlers } from "./handlers.ts";
import { Inbox, type InboxSource } from "./inbox.ts";
import { LastingConnection, type LastingControl, type LastingState } from "./lasting_connection.ts";
import type { LastingRules } from "./lasting_options.ts";
import { logError } from "./log_error.ts";
import { isPromiseLike } from "./promise_like.ts";
import type { ConnectionLoss } from "./reconnect_options.ts";
import { decide, delayAfter, type Failure } from "./reconnect_policy.ts";
import { SendQueue } from "./send_queue.ts";
import type { SendOptions } from "./send_options.ts";
import {
  Subscriptions,
  type SubscriptionsOwner,
  type TopicMessageInfo,
  withEmptyLine,
} from "./subscriptions.ts";
import { type Timer, timers, type TimerTarget } from "./timer_wheel.ts";

/** Opens one connection. */
export type Dial = (options: ConnectOptions) => Promise<Connection<undefined>>;

/** One connection after another. */
export class Reconnector<T>
  implements LastingControl, SubscriptionsOwner, InboxSource, TimerTarget {
  /** What the user sees of it. */
  readonly connection: LastingConnection<T>;
  /** The URL. */
  readonly url: string;
  /** The topics, if there are any. */
  readonly subscriptions: Subscriptions | undefined;
  /** What was agreed on last. */
  handshake: HandshakeInfo | undefined;
  readonly #rules: LastingRules<T>;
  readonly #dial: Dial;
  readonly #queue: SendQueue;
  #state: LastingState = "reconnecting";
  #current: Connection<undefined> | undefined;
  #wasOpen = false;
  #openedAt = 0;
  #failures = 0;
  /** What the present connection is closed for, where it is we who have to close it. */
  #fault: WebSocketError | undefined;
  #attempt: AbortController | undefined;
  #timer: Timer | undefined;
  #inbox: Inbox | undefined;
  #inboxIsFull = false;
  #info: CloseInfo | undefined;
  /** Who waits for a change of the state, or for the end. */
  #waiters: Array<() => void> = [];
  #closeWaiters: Array<(info: CloseInfo) => void> = [];
  /** Who waits for the first connection. */
  #first: { resolve(conn: LastingConnection<T>): void; reject(reason: unknown): void } | undefined;
  #lastError: unknown;
  #forgetSignals: () => void = () => {};

  /**
   * @param dial Opens one connection.
   * @param url The URL.
   * @param rules The checked options.
   * @param data The user's data.
   */
  constructor(dial: Dial, url: string, rules: LastingRules<T>, data: T) {
    this.#dial = dial;
    this.url = url;
    this.#rules = rules;
    this.#queue = new SendQueue(rules.reconnect.maxQueue);
    this.subscriptions = rules.reconnect.topics ? new Subscriptions(this) : undefined;
    this.connection = new LastingConnection(this, data);
  }

  /**
   * Opens the first connection.
   *
   * @param opening Gives up with its reason, as long as there was no connection.
   */
  start(opening: AbortSignal | undefined): Promise<LastingConnection<T>> {
    return new Promise((resolve, reject) => {
      this.#first = { resolve, reject };
      this.#heedSignals(opening);
      if (this.#state === "reconnecting") this.#try();
    });
  }

  // What the user's connection asks for.

  /** Where it stands. */
  get state(): LastingState {
    // The connection's own `close` handler comes later than its end.
    return this.#state === "open" && !this.#isOpen ? "reconnecting" : this.#state;
  }

  /** Bytes waiting to be sent. */
  get bufferedAmount(): number {
    return this.#queue.size + (this.#current?.bufferedAmount ?? 0);
  }

  /** Sends a message, or lets it wait. */
  send(data: Message, options: SendOptions | undefined): boolean {
    const { state } = this;
    if (state === "open") return this.#send(data, options);
    return state === "reconnecting" && this.#queue.push(data, options);
  }

  /** Sends a ping. */
  ping(payload: Uint8Array): boolean {
    return this.#current?.ping(payload) ?? false;
  }

  /** Resolves when more may be sent. */
  async drained(): Promise<void> {
    while (this.#state !== "closed") {
      const current = this.#current;
      if (current !== undefined && this.#isOpen) {
        await current.drained();
        if (current === this.#current && this.#isOpen) return;
      } else {
        await new Promise<void>((resolve) => this.#waiters.push(resolve));
      }
    }
  }

  /** Does not wait any longer. */
  reconnectNow(): boolean {
    if (this.#timer === undefined) return false;
    timers.cancel(this.#timer);
    this.timerFired();
    return true;
  }

  /** Closes for good. */
  close(code: number, reason: string): void {
    if (this.#state === "closing" || this.#state === "closed") return;
    if (this.#current === undefined) {
      this.#end({ code, reason, clean: true, initiator: "local" });
      return;
    }
    this.#state = "closing";
    this.#inbox?.clear();
    this.#current.close(code, reason);
  }

  /** Cuts it for good. */
  terminate(): void {
    if (this.#state === "closed") return;
    this.#state = "closing";
    if (this.#current !== undefined) return this.#current.terminate();
    this.#endWith(new WebSocketError("TERMINATED", "The connection was cut by terminate()"));
  }

  /** Resolves at the end. */
  whenClosed(): Promise<CloseInfo> {
    if (this.#info !== undefined) return Promise.resolve(this.#info);
    return new Promise((resolve) => this.#closeWaiters.push(resolve));
  }

  /** The messages that wait to be read. */
  reader(): MessageQueue {
    if (this.#rules.handlers.message !== undefined) {
      throw new TypeError("Cannot iterate a connection that has a message handler");
    }
    return this.#readable();
  }

  // What the inbox asks for.

  /** The reader has fallen behind. */
  stopReading(): void {
    this.#inboxIsFull = true;
    this.#current?.pause();
  }

  /** The reader has caught up. */
  goOnReading(): void {
    this.#inboxIsFull = false;
    this.#current?.resume();
  }

  // What the topics ask for.

  /** Sends a request about a topic. */
  request(request: TopicRequest): void {
    this.#current?.send(writeLine(request));
  }

  /** A message came that has nothing to do with topics. */
  deliver(data: Message, opcode: MessageOpcode): unknown {
    const { handlers } = this.#rules;
    if (handlers.message !== undefined) return handlers.message(this.connection, data, opcode);
    this.#readable().push(data);
    return undefined;
  }

  /** A message came of a topic that the server subscribed by itself. */
  deliverOther(topic: string, data: Message, about: TopicMessageInfo): unknown {
    return this.#rules.handlers.topicMessage?.(this.connection, topic, data, about);
  }

  /** The server sent what it must not. */
  malformed(reason: string): void {
    this.#fail(
      new WebSocketError("TOPIC_LINE_INVALID", reason, { closeCode: CloseCode.InvalidPayload }),
    );
  }

  // One connection after another.

  /** The wait is over. */
  timerFired(): void {
    this.#timer = undefined;
    this.#try();
  }

  #try(): void {
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#dial({ ...this.#rules.connect, ...this.#handlers(), signal: attempt.signal }).then(
      undefined,
      (error: unknown) => {
        if (this.#attempt === attempt) this.#lost({ error });
      },
    );
  }

  /** The handlers of one connection. */
  #handlers(): Handlers<undefined> {
    const { ping, pong, drain } = this.#rules.handlers;
    const { connection, subscriptions } = this;
    const handlers: Handlers<undefined> = {
      open: (conn) => this.#opened(conn),
      message: subscriptions === undefined
        ? (_, data, opcode) => this.deliver(data, opcode)
        : (_, data, opcode) => subscriptions.receive(data, opcode),
      close: (_, info) => this.#closed(info),
    };
    const { handlers: own } = this.#rules;
    if (ping) handlers.ping = (_, payload) => own.ping?.(connection, payload);
    if (pong) handlers.pong = (_, payload) => own.pong?.(connection, payload);
    if (drain) handlers.drain = () => own.drain?.(connection);
    return handlers;
  }

  #opened(conn: Connection<undefined>): unknown {
    this.#attempt = undefined;
    this.#current = conn;
    this.#openedAt = performance.now();
    this.handshake = conn.handshake;
    if (this.subscriptions !== undefined && conn.protocol !== TOPICS_SUBPROTOCOL) {
      const what = `The server has not accepted the subprotocol ${TOPICS_SUBPROTOCOL}`;
      this.#fail(
        new WebSocketError("TOPICS_UNSUPPORTED", what, { closeCode: CloseCode.PolicyViolation }),
      );
      return undefined;
    }
    this.#state = "open";
    this.#wasOpen = true;
    if (this.#inboxIsFull) conn.pause();
    this.#first?.resolve(this.connection);
    this.#first = undefined;
    const result = this.#rules.handlers.open?.(this.connection);
    if (this.#current === conn && this.state === "open") this.#takeUp();
    return result;
  }

  /** Goes on where the last connection ended. */
  #takeUp(): void {
    this.subscriptions?.connected();
    while (this.state === "open") {
      const next = this.#queue.shift();
      if (next === undefined) break;
      this.#send(next.data, next.options);
    }
    this.#wake();
  }

  #closed(ended: CloseInfo): void {
    const fault = this.#fault;
    const info = fault === undefined ? ended : { ...ended, clean: false, error: fault };
    this.#fault = undefined;
    this.#current = undefined;
    this.subscriptions?.disconnected();
    if (this.#state === "closing") return this.#end(info);
    const { steadyAfter } = this.#rules.reconnect;
    if (performance.now() - this.#openedAt >= steadyAfter) this.#failures = 0;
    this.#lost({ info, error: info.error });
  }

  #lost(failure: Failure): void {
    this.#attempt = undefined;
    this.#state = "reconnecting";
    const { reconnect } = this.#rules;
    const { info, error } = failure;
    this.#lastError = error;
    const attempt = ++this.#failures;
    const loss: ConnectionLoss = {
      info,
      error: error === undefined ? undefined : asError(error),
      attempt,
      wait: delayAfter(failure, attempt, reconnect, Math.random(), Date.now()),
    };
    let wait: number | undefined;
    try {
      wait = decide(failure, loss, reconnect);
    } catch (cause) {
      this.#endWith(new WebSocketError("HANDLER_FAILED", "The hook retry failed", { cause }));
      return;
    }
    // The hook may have ended it.
    if (this.state !== "reconnecting") return;
    if (wait === undefined) {
      if (info !== undefined) this.#end(info);
      else this.#endWith(asError(error), error);
      return;
    }
    guard(() => this.#rules.handlers.lost?.(this.connection, { ...loss, wait }));
    if (this.state === "reconnecting") this.#timer = timers.start(wait, this, 0);
  }

  /** It is we who do not go on with the present connection. */
  #fail(error: WebSocketError): void {
    this.#fault = error;
    this.#current?.close(error.closeCode, error.message);
  }

  #endWith(error: Error, reason: unknown = error): void {
    const { message } = error;
    this.#end(
      { code: CloseCode.Abnormal, reason: message, clean: false, initiator: "local", error },
      reason,
    );
  }

  /** @param reason What the promise of the first connection rejects with, if it is still waited for. */
  #end(info: CloseInfo, reason: unknown = info.error ?? this.#lastError): void {
    this.#state = "closed";
    this.#info = info;
    this.#forgetSignals();
    timers.cancel(this.#timer);
    this.#timer = undefined;
    const attempt = this.#attempt;
    this.#attempt = undefined;
    attempt?.abort();
    this.#queue.clear();
    this.subscriptions?.end();
    const first = this.#first;
    this.#first = undefined;
    if (this.#wasOpen) guard(() => this.#rules.handlers.close?.(this.connection, info));
    first?.reject(reason ?? new WebSocketError("NOT_OPEN", "It was closed before it was open"));
    this.#inbox?.end(info);
    for (const resolve of this.#closeWaiters) resolve(info);
    this.#closeWaiters = [];
    this.#wake();
  }

  #heedSignals(opening: AbortSignal | undefined): void {
    const { signal } = this.#rules.reconnect.options;
    const giveUp = (): void => {
      if (this.#first !== undefined) this.#abandon(opening?.reason);
    };
    const end = (): void => {
      if (this.#first !== undefined) this.#abandon(signal?.reason);
      else this.close(CloseCode.Normal, "");
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

  /** There was no connection, and none is wanted any more. */
  #abandon(reason: unknown): void {
    this.#first?.reject(reason);
    this.#first = undefined;
    this.terminate();
  }

  #send(data: Message, options: SendOptions | undefined): boolean {
    const message = this.subscriptions === undefined ? data : withEmptyLine(data);
    return this.#current?.send(message, options) ?? false;
  }

  get #isOpen(): boolean {
    return this.#state === "open" && this.#current?.readyState === "open";
  }

  #readable(): Inbox {
    if (this.#inbox === undefined) {
      this.#inbox = new Inbox(this);
      if (this.#info !== undefined) this.#inbox.end(this.#info);
    }
    return this.#inbox;
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}

/** Calls a handler whose failure has no connection to go to. */
function guard(call: () => unknown): void {
  try {
    const result = call();
    if (isPromiseLike(result)) result.then(undefined, logError);
  } catch (error) {
    logError(error);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(show(error), { cause: error });
}
