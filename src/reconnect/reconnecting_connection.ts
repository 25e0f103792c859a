// What a user holds who wants to stay connected: one connection after another, as if it were one.

import type { CloseInfo } from "../session/close_info.ts";
import { checkCloseArguments, CloseCode } from "../wire/close.ts";
import { toBytes } from "../shared/bytes.ts";
import { controlPayload, type HandshakeInfo } from "../connection/connection.ts";
import type { AnyMessage, Message } from "../connection/connection_driver.ts";
import { checkTopic } from "../connection/publish_options.ts";
import { type SendOptions, wantsCompression } from "../connection/send_options.ts";
import type { Subscriptions, TopicHandlers } from "./subscriptions.ts";

/** Where a connection that lasts stands. */
export type ReconnectingState = "open" | "reconnecting" | "closing" | "closed";

/** The machinery behind a {@linkcode ReconnectingConnection}. */
export interface ReconnectingControl {
  /** Where it stands. */
  readonly state: ReconnectingState;
  /** The URL. */
  readonly url: string;
  /** What was agreed on last. */
  readonly handshake: HandshakeInfo | undefined;
  /** Bytes waiting to be sent. */
  readonly bufferedAmount: number;
  /** Resolves at the end. */
  readonly closed: Promise<CloseInfo>;
  /** The topics, if there are any. */
  readonly subscriptions: Subscriptions | undefined;
  /** Sends a message, or lets it wait. */
  send(data: string | Uint8Array, options: SendOptions | undefined): boolean;
  /** Sends a ping. */
  ping(payload: Uint8Array): boolean;
  /** Resolves when more may be sent. */
  drained(): Promise<void>;
  /** Tries at once. */
  reconnectNow(): boolean;
  /** Closes for good. */
  close(code: number, reason: string): void;
  /** Cuts it for good. */
  terminate(): void;
  /** The messages that wait to be read. */
  reader(): AsyncIterableIterator<AnyMessage, undefined>;
}

const NO_BYTES = new Uint8Array(0);

/**
 * A connection that comes back when it is lost, from `connect` with the option `reconnect`.
 *
 * A message that was written to a connection that is lost may be lost with it. Nothing is sent twice.
 *
 * @example
 * ```ts
 * import { connect, serve } from "@quickws/quickws";
 *
 * await using server = await serve({ port: 0, message: (conn, data) => conn.send(data) });
 * await using conn = await connect(server.url, {
 *   reconnect: true,
 *   open: (conn) => void conn.send("hello"),
 *   lost: (_, { attempt, wait }) => console.log(`attempt ${attempt + 1} in ${wait} ms`),
 * });
 * for await (const data of conn) {
 *   console.log(data); // hello
 *   break;
 * }
 * ```
 */
export class ReconnectingConnection<T = unknown> {
  readonly #control: ReconnectingControl;
  /** Whatever the application wants to keep with it. */
  data: T;

  /** @internal They come from `connect`. */
  constructor(control: ReconnectingControl, data: T) {
    this.#control = control;
    this.data = data;
  }

  /**
   * `"open"`: there is a connection. `"reconnecting"`: there is none at the moment, and another one, or
   * the first, is going to be opened. `"closing"` and `"closed"`: it is over for good.
   */
  get readyState(): ReconnectingState {
    return this.#control.state;
  }

  /** The URL, as it was given. */
  get url(): string {
    return this.#control.url;
  }

  /**
   * What was agreed in the opening handshake of the connection that there is, or was last; `undefined`
   * before the first.
   */
  get handshake(): HandshakeInfo | undefined {
    return this.#control.handshake;
  }

  /** The subprotocol of that connection, or the empty string. */
  get protocol(): string {
    return this.handshake?.protocol ?? "";
  }

  /** The extensions of that connection, or the empty string. */
  get extensions(): string {
    return this.handshake?.extensions ?? "";
  }

  /** Bytes that were sent and have not left the process yet, those included that wait for a connection. */
  get bufferedAmount(): number {
    return this.#control.bufferedAmount;
  }

  /** Resolves, and never rejects, when it is over for good. */
  get closed(): Promise<CloseInfo> {
    return this.#control.closed;
  }

  /**
   * Sends a message: a string as text, bytes as binary. The bytes are copied. While there is no
   * connection it waits, as far as `reconnect.maxQueue` goes.
   *
   * @param data The message.
   * @param options How to send it.
   * @returns `true`: it was sent or waits for a connection, go on. `false` while {@linkcode
   * ReconnectingConnection.readyState} is `"open"`: above `highWaterMark` (it is accepted; wait before sending
   * more). `false` otherwise: it is dropped, because there is no room or all is over.
   * @throws {TypeError} When the data is of another type.
   */
  send(data: string | Uint8Array | ArrayBuffer, options?: SendOptions): boolean {
    wantsCompression("send", options);
    return this.#control.send(typeof data === "string" ? data : toBytes(data), options);
  }

  /**
   * Sends a ping (RFC 6455 section 5.5.2), if there is a connection: it never waits for one.
   *
   * @param payload At most 125 bytes; a string is sent as UTF-8. Default: empty.
   * @returns As {@linkcode ReconnectingConnection.send} does.
   * @throws {RangeError} When the payload is over 125 bytes.
   */
  ping(payload: string | Uint8Array = NO_BYTES): boolean {
    return this.#control.ping(controlPayload(payload));
  }

  /**
   * Resolves when there is a connection, and at most `highWaterMark` bytes wait to be sent on it; or when
   * all is over.
   */
  drained(): Promise<void> {
    return this.#control.drained();
  }

  /**
   * Does not wait any longer, but opens another connection at once: when the user asks for it, or the
   * network is back.
   *
   * @returns Whether it was waiting.
   */
  reconnectNow(): boolean {
    return this.#control.reconnectNow();
  }

  /**
   * Ends it for good: starts the closing handshake (RFC 6455 section 7.1.2), or calls off the attempt that
   * is under way. No message is delivered after it, and what waits for a connection is dropped.
   *
   * @param code 1000 to 1003, 1007 to 1014 or 3000 to 4999. Default: 1000.
   * @param reason At most 123 bytes of UTF-8. Default: empty.
   * @throws {TypeError} When the code is not an integer or the reason not a string.
   * @throws {RangeError} When the code must not be sent, or the reason is too long.
   */
  close(code: number = CloseCode.Normal, reason: string = ""): void {
    checkCloseArguments(code, reason);
    this.#control.close(code, reason);
  }

  /** Ends it for good and cuts the socket at once; what waits to be sent is lost. */
  terminate(): void {
    this.#control.terminate();
  }

  /**
   * Listens to a topic, on this connection and on all that follow it. Where the server keeps a history,
   * what was published between two connections arrives as well, or `missed` is called; where it keeps none
   * `missed` is called after each loss.
   *
   * @param topic Its name: 1 to 1024 bytes of UTF-8.
   * @param handlers Who gets its messages.
   * @returns Resolves when the server has confirmed it for the first time. Rejects with a `WebSocketError`:
   * `TOPIC_REFUSED` when the server refuses, `NOT_OPEN` when it was unsubscribed, or all was over, before.
   * If nobody looks at it, that is no unhandled rejection.
   * @throws {TypeError} When the option `reconnect.topics` is not `true`, the topic is not a string or
   * subscribed to already, or a handler is not a function.
   * @throws {RangeError} When the topic is empty or too long.
   *
   * @example
   * ```ts ignore
   * const conn = await connect("wss://example.com/", { reconnect: { topics: true } });
   * await conn.subscribe("news", {
   *   message: (data, { number }) => console.log(number, data),
   *   missed: () => console.log("some news were missed"),
   * });
   * ```
   */
  subscribe(topic: string, handlers: TopicHandlers): Promise<void> {
    checkTopic(topic);
    return this.#subscriptions("subscribe").subscribe(topic, handlers);
  }

  /**
   * Listens to a topic no more.
   *
   * @returns Whether it was subscribed.
   * @throws {TypeError | RangeError} As {@linkcode ReconnectingConnection.subscribe} does.
   */
  unsubscribe(topic: string): boolean {
    checkTopic(topic);
    return this.#subscriptions("unsubscribe").unsubscribe(topic);
  }

  /** The topics that it listens to, in the order of its subscriptions: a list of this moment. */
  get topics(): string[] {
    return this.#control.subscriptions?.names ?? [];
  }

  /**
   * Iterates over the messages of all its connections, with backpressure: while nobody asks for more, the
   * server has to wait. Ends when it is over for good; throws the cause if that was not clean.
   *
   * @throws {TypeError} When there is a `message` handler, which takes the messages.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message, undefined> {
    return this.#control.reader() as AsyncIterableIterator<Message, undefined>;
  }

  #subscriptions(what: string): Subscriptions {
    const { subscriptions } = this.#control;
    if (subscriptions === undefined) {
      throw new TypeError(`Cannot ${what}: the option "reconnect.topics" is not true`);
    }
    return subscriptions;
  }

  /** Closes with 1000 and waits for the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.closed;
  }
}
