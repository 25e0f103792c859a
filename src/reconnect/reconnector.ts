// The machinery of a connection that lasts: makes one stream of what one connection after another brings.

import { WebSocketError } from "../errors.ts";
import { type TopicRequest, TOPICS_SUBPROTOCOL, writeLine } from "../pubsub/protocol.ts";
import type { CloseInfo } from "../session/close_info.ts";
import { CloseCode } from "../wire/close.ts";
import type { MessageOpcode } from "../wire/opcode.ts";
import type { ConnectOptions } from "../client/connect_options.ts";
import type { Connection, HandshakeInfo } from "../connection/connection.ts";
import type { AnyMessage, Message } from "../connection/connection_driver.ts";
import type { Handlers } from "../connection/handlers.ts";
import { ReconnectingReader } from "./reconnecting_reader.ts";
import { ReconnectingSender } from "./reconnecting_sender.ts";
import {
  ReconnectingConnection,
  type ReconnectingControl,
  type ReconnectingState,
} from "./reconnecting_connection.ts";
import type { ReconnectingRules } from "./reconnecting_options.ts";
import { callReported, reportError } from "../shared/log_error.ts";
import type { ConnectionLoss } from "./reconnect_options.ts";
import type { Failure } from "./reconnect_policy.ts";
import { Redial, type RedialOwner } from "./redial.ts";
import type { SendOptions } from "../connection/send_options.ts";
import { Subscriptions, type SubscriptionsOwner, type TopicMessageInfo } from "./subscriptions.ts";

/** Opens one connection. */
export type Dial = (options: ConnectOptions) => Promise<Connection<undefined>>;

/** One connection after another. */
export class Reconnector<T> implements ReconnectingControl, SubscriptionsOwner, RedialOwner {
  /** What the user sees of it. */
  readonly connection: ReconnectingConnection<T>;
  /** The URL. */
  readonly url: string;
  /** The topics, if there are any. */
  readonly subscriptions: Subscriptions | undefined;
  /** Resolves at the end. */
  readonly closed: Promise<CloseInfo>;
  /** What was agreed on last. */
  handshake: HandshakeInfo | undefined;
  #tellClosed!: (info: CloseInfo) => void;
  readonly #rules: ReconnectingRules<T>;
  readonly #dial: Dial;
  readonly #redial: Redial;
  readonly #sender: ReconnectingSender;
  readonly #reader: ReconnectingReader = new ReconnectingReader();
  #state: ReconnectingState = "reconnecting";
  #current: Connection<undefined> | undefined;
  #wasOpen = false;
  /** What the present connection is closed for, where it is we who have to close it. */
  #fault: WebSocketError | undefined;
  /** Who waits for the first connection. */
  #first:
    | { resolve(conn: ReconnectingConnection<T>): void; reject(reason: unknown): void }
    | undefined;
  #lastError: unknown;
  #forgetSignals: () => void = () => {};

  /**
   * @param dial Opens one connection.
   * @param url The URL.
   * @param rules The checked options.
   * @param data The user's data.
   */
  constructor(dial: Dial, url: string, rules: ReconnectingRules<T>, data: T) {
    this.closed = new Promise((resolve) => this.#tellClosed = resolve);
    this.#dial = dial;
    this.url = url;
    this.#rules = rules;
    this.#redial = new Redial(rules.reconnect, this);
    this.#sender = new ReconnectingSender(rules.reconnect.maxQueue, rules.reconnect.topics);
    this.subscriptions = rules.reconnect.topics ? new Subscriptions(this) : undefined;
    this.connection = new ReconnectingConnection(this, data);
  }

  /**
   * Opens the first connection.
   *
   * @param opening Gives up with its reason, as long as there was no connection.
   */
  start(opening: AbortSignal | undefined): Promise<ReconnectingConnection<T>> {
    return new Promise((resolve, reject) => {
      this.#first = { resolve, reject };
      this.#heedSignals(opening);
      if (this.#state === "reconnecting") this.#redial.timerFired();
    });
  }

  // What the user's connection asks for.

  /** Where it stands. */
  get state(): ReconnectingState {
    return this.#state === "open" && !this.#sender.isOpen ? "reconnecting" : this.#state;
  }

  /** Bytes waiting to be sent. */
  get bufferedAmount(): number {
    return this.#sender.bufferedAmount;
  }

  /** Sends a message, or lets it wait. */
  send(data: string | Uint8Array, options: SendOptions | undefined): boolean {
    return this.#sender.send(data, options);
  }

  /** Sends a ping. */
  ping(payload: Uint8Array): boolean {
    return this.#sender.ping(payload);
  }

  /** Resolves when more may be sent. */
  drained(): Promise<void> {
    return this.#sender.drained();
  }

  /** Does not wait any longer. */
  reconnectNow(): boolean {
    return this.#redial.hurry();
  }

  /** Closes for good. */
  close(code: number, reason: string): void {
    if (this.#state === "closing" || this.#state === "closed") return;
    if (this.#current === undefined) {
      this.#end({ code, reason, clean: true, initiator: "local" });
      return;
    }
    this.#state = "closing";
    this.#sender.end();
    this.#reader.clear();
    this.#current.close(code, reason);
  }

  /** Cuts it for good. */
  terminate(): void {
    if (this.#state === "closed") return;
    this.#state = "closing";
    this.#sender.end();
    if (this.#current !== undefined) return this.#current.terminate();
    this.#endWith(new WebSocketError("TERMINATED", "The connection was cut by terminate()"));
  }

  /** The messages that wait to be read. */
  reader(): AsyncIterableIterator<AnyMessage, undefined> {
    if (this.#rules.handlers.message !== undefined) {
      throw new TypeError("Cannot iterate a connection that has a message handler");
    }
    return this.#reader.reader();
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
    this.#reader.push(data);
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

  /** Opens a connection. */
  dial(signal: AbortSignal): Promise<unknown> {
    const { onError } = this.#rules.handlers;
    const options = { ...this.#rules.connect, ...this.#handlers(), signal };
    if (onError === undefined) return this.#dial(options);
    return this.#dial({ ...options, onError: (error) => onError(error, this.connection) });
  }

  /** There will be another one after a wait. */
  waits(loss: ConnectionLoss): void {
    this.#lastError = loss.error;
    this.#call(() => this.#rules.handlers.lost?.(this.connection, loss));
  }

  /** There will be no other one. */
  gaveUp({ info, error: reason }: Failure, error: Error | undefined): void {
    if (info !== undefined) this.#end(info);
    else this.#endWith(error ?? new Error("The attempt failed"), reason);
  }

  /** Calls a handler of the user, whose errors go to `onError`. */
  #call(handler: () => unknown): void {
    callReported(handler, (error) => {
      reportError(this.#rules.handlers.onError, error, this.connection);
    });
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
    this.#redial.opened();
    this.#current = conn;
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
    this.#sender.opened(conn);
    this.#reader.opened(conn);
    this.#first?.resolve(this.connection);
    this.#first = undefined;
    const result = this.#rules.handlers.open?.(this.connection);
    if (this.#current === conn && this.#state === "open") {
      // Where the last connection ended.
      this.subscriptions?.connected();
      this.#sender.takeUp();
    }
    return result;
  }

  #closed(ended: CloseInfo): void {
    const fault = this.#fault;
    const info = fault === undefined ? ended : { ...ended, clean: false, error: fault };
    this.#fault = undefined;
    this.#current = undefined;
    this.#sender.closed();
    this.#reader.closed();
    this.subscriptions?.disconnected();
    if (this.#state === "closing") return this.#end(info);
    this.#state = "reconnecting";
    this.#redial.lost({ info, error: info.error });
  }

  /** It is we who do not go on with the present connection. */
  #fail(error: WebSocketError): void {
    this.#fault = error;
    this.#current?.close(error.closeCode, error.message);
  }

  #endWith(error: Error, reason: unknown = error): void {
    const info = { code: CloseCode.Abnormal, reason: error.message, clean: false, error };
    this.#end({ ...info, initiator: "local" }, reason);
  }

  /** @param reason What the promise of the first connection rejects with, if it is still waited for. */
  #end(info: CloseInfo, reason: unknown = info.error ?? this.#lastError): void {
    this.#state = "closed";
    this.#forgetSignals();
    this.#redial.stop();
    this.#sender.end();
    this.subscriptions?.end();
    if (this.#wasOpen) this.#call(() => this.#rules.handlers.close?.(this.connection, info));
    this.#first?.reject(reason ?? new WebSocketError("NOT_OPEN", "It was closed before"));
    this.#first = undefined;
    this.#reader.end(info);
    this.#tellClosed(info);
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
}
