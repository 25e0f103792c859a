// The public object of a reconnecting connection: consecutive connections, presented as one.

import { WebSocketError } from "../errors.ts";
import type { CloseInfo } from "../session/end.ts";
import type { MessageOpcode, Opcode } from "../wire/opcode.ts";
import { toBytes } from "../shared/bytes.ts";
import { show } from "../shared/check.ts";
import { readableFrom, writableTo } from "../connection/message_streams.ts";
import type { Connection } from "../connection/connection.ts";
import type {
  AnyMessage,
  HandshakeInfo,
  Message,
  MessageData,
} from "../connection/connection_driver.ts";
import {
  checkTopic,
  controlPayload,
  type FragmentOptions,
  type SendOptions,
  type StreamOptions,
  wantsCompression,
} from "../connection/arguments.ts";
import type { PreparedMessage } from "../message/prepared_message.ts";
import type { ReconnectingSender, StreamSource } from "./sender.ts";
import type { Subscriptions, TopicHandlers } from "./subscriptions.ts";

/**
 * The state of a reconnecting connection.
 *
 * @category Client
 */
export type ReconnectingState = "open" | "reconnecting" | "closing" | "closed";

/** The driver of a {@linkcode ReconnectingConnection}. */
export interface ReconnectingControl {
  /** The state of the reconnecting connection. */
  readonly state: ReconnectingState;
  /** The URL of the current or last connection. */
  readonly url: string;
  /** The result of the latest opening handshake. */
  readonly handshake: HandshakeInfo | undefined;
  /** The current connection. */
  readonly current: Connection<undefined> | undefined;
  /** Sends for all connections. */
  readonly sender: ReconnectingSender;
  /** Resolves when it has ended permanently. */
  readonly closed: Promise<CloseInfo>;
  /** The topics, if enabled. */
  readonly subscriptions: Subscriptions | undefined;
  /** Connects immediately. */
  reconnectNow(): boolean;
  /** Closes permanently. */
  close(code: number, reason: string): void;
  /** Fails it permanently. */
  fail(error: WebSocketError): void;
  /** Terminates it permanently. */
  terminate(): void;
  /** Stops delivering. */
  pause(): void;
  /** Resumes delivering. */
  resume(): void;
  /** Starts reading messages. */
  openReader(): AsyncIterableIterator<AnyMessage, undefined>;
}

const NO_BYTES = new Uint8Array(0);

/**
 * A connection that reconnects automatically when it is lost, from `connect` with the option `reconnect`.
 *
 * A message written to a connection that is then lost may be lost with it. Messages are never sent
 * twice. Received messages are delivered even after their connection was lost.
 *
 * @example
 * ```ts
 * import { connect, serve } from "@quickws/quickws";
 *
 * await using server = await serve({ port: 0, message: (conn, data) => conn.send(data) });
 * await using conn = await connect(server.url, {
 *   reconnect: true,
 *   open: (conn) => void conn.send("hello"),
 *   reconnecting: (_, { attempt, wait }) => console.log(`attempt ${attempt + 1} in ${wait} ms`),
 * });
 * for await (const data of conn) {
 *   console.log(data); // hello
 *   break;
 * }
 * ```
 *
 * @category Client
 */
export class ReconnectingConnection<T = unknown> {
  readonly #control: ReconnectingControl;
  #readable: ReadableStream<Message> | undefined;
  #writable: WritableStream<MessageData> | undefined;
  /** Application data for the connection. */
  data: T;

  /** @internal Created by `connect`. */
  constructor(control: ReconnectingControl, data: T) {
    this.#control = control;
    this.data = data;
  }

  /**
   * `"open"`: connected. `"reconnecting"`: the first or next connection is not open yet.
   * `"closing"`, `"closed"`: ended permanently.
   */
  get readyState(): ReconnectingState {
    return this.#control.state;
  }

  /** The URL of the current or last connection, without user and password. */
  get url(): string {
    return this.#control.url;
  }

  /**
   * The result of the opening handshake of the current or last connection; `undefined` before the
   * first.
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

  /** The server's address, without the port; empty without a connection. */
  get remoteAddress(): string {
    return this.#control.current?.remoteAddress ?? "";
  }

  /** The server's port; 0 without a connection. */
  get remotePort(): number {
    return this.#control.current?.remotePort ?? 0;
  }

  /**
   * Bytes accepted by `send` that have not left the process, including those queued for a
   * connection.
   */
  get bufferedAmount(): number {
    return this.#control.sender.bufferedAmount;
  }

  /** Resolves, and never rejects, when it has ended permanently. */
  get closed(): Promise<CloseInfo> {
    return this.#control.closed;
  }

  /**
   * Sends a message: a string as text, bytes as binary. The bytes are copied. Without a connection
   * it is queued, up to `reconnect.maxQueue`.
   *
   * @param data The message: a string, an `ArrayBuffer`, or any view of one.
   * @param options How to send it.
   * @returns `true`: sent or queued, more may be sent. `false` while {@linkcode
   * ReconnectingConnection.readyState} is `"open"`: above `highWaterMark` (the message is accepted;
   * wait before sending more). `false` otherwise: the message is dropped, because the queue is full
   * or the connection has ended permanently.
   * @throws {TypeError} When the data is of another type.
   */
  send(data: string | ArrayBuffer | ArrayBufferView, options?: SendOptions): boolean {
    wantsCompression("send", options);
    return this.#control.sender.send(data, options);
  }

  /**
   * Sends a text message given as UTF-8 bytes.
   *
   * @returns As {@linkcode ReconnectingConnection.send} does.
   * @throws {TypeError} When the bytes are not UTF-8.
   */
  sendUtf8(bytes: ArrayBuffer | ArrayBufferView, options?: SendOptions): boolean {
    wantsCompression("sendUtf8", options);
    return this.#control.sender.sendUtf8(toBytes(bytes), options);
  }

  /**
   * Sends a message that may be delayed; see `Connection.sendDelayed`.
   *
   * @returns As {@linkcode ReconnectingConnection.send} does.
   * @throws {TypeError} When the data is of another type.
   */
  sendDelayed(data: string | ArrayBuffer | ArrayBufferView): boolean {
    return this.#control.sender.sendDelayed(data);
  }

  /**
   * Sends a message encoded by `prepareMessage` for many connections.
   *
   * @returns As {@linkcode ReconnectingConnection.send} does.
   * @throws {TypeError} When it is not a prepared message.
   */
  sendPrepared(message: PreparedMessage): boolean {
    if (!(message?.payload instanceof Uint8Array)) {
      throw new TypeError(
        `Cannot send: sendPrepared takes a message of prepareMessage, got ${show(message)}`,
      );
    }
    return this.#control.sender.sendPrepared(message);
  }

  /**
   * Sends all chunks of `source` as one message, in fragments; see `Connection.sendStream`. Without
   * a connection it waits for one.
   *
   * @param source The source of chunks: strings for text, bytes for binary.
   * @param opcode Text or binary. Default: the type of the first chunk.
   * @param options How to send it.
   * @returns `true` if everything was sent, `false` if the connection was lost first: a message is
   * never continued on another connection. Rejects with the source's error, and with a `TypeError`
   * for a wrong argument.
   */
  sendStream(
    source: StreamSource,
    opcode?: MessageOpcode,
    options?: StreamOptions,
  ): Promise<boolean> {
    return this.#control.sender.sendStream(source, opcode, options);
  }

  /**
   * Sends a fragment of a message; see `Connection.sendFragment`. All fragments of a message are
   * sent on one connection; they are dropped without a connection or after it was lost. Other
   * messages are queued until the last fragment, so do not `await drained()` in between.
   *
   * @returns As {@linkcode ReconnectingConnection.send} does.
   * @throws {TypeError} When an argument is wrong.
   */
  sendFragment(
    opcode: Opcode,
    data: string | ArrayBuffer | ArrayBufferView,
    options?: FragmentOptions,
  ): boolean {
    return this.#control.sender.sendFragment(opcode, data, options);
  }

  /**
   * Sends a ping (RFC 6455 section 5.5.2) if there is a connection; it is never queued.
   *
   * @param payload At most 125 bytes; a string is sent as UTF-8. Default: empty.
   * @returns As {@linkcode ReconnectingConnection.send} does.
   * @throws {RangeError} When the payload is over 125 bytes.
   */
  ping(payload: string | ArrayBuffer | ArrayBufferView = NO_BYTES): boolean {
    const bytes = controlPayload(payload);
    return this.#control.current?.ping(bytes) ?? false;
  }

  /**
   * Sends an unsolicited pong (RFC 6455 section 5.5.3), if there is a connection.
   *
   * @param payload At most 125 bytes; a string is sent as UTF-8. Default: empty.
   * @returns As {@linkcode ReconnectingConnection.send} does.
   * @throws {RangeError} When the payload is over 125 bytes.
   */
  pong(payload: string | ArrayBuffer | ArrayBufferView = NO_BYTES): boolean {
    const bytes = controlPayload(payload);
    return this.#control.current?.pong(bytes) ?? false;
  }

  /** Calls `fn` synchronously and sends its messages on the current connection in one write. */
  cork(fn: () => void): void {
    if (typeof fn !== "function") {
      throw new TypeError(`Cannot cork: it takes a function, got ${show(fn)}`);
    }
    this.#control.sender.cork(fn);
  }

  /**
   * Resolves when there is a connection with at most `highWaterMark` buffered bytes, or when it has
   * ended permanently.
   */
  drained(): Promise<void> {
    return this.#control.sender.drained();
  }

  /**
   * Stops reading, which applies backpressure to the server. If the connection is lost meanwhile,
   * another one is opened, and received messages are kept.
   */
  pause(): void {
    this.#control.pause();
  }

  /** Resumes after {@linkcode ReconnectingConnection.pause}. */
  resume(): void {
    this.#control.resume();
  }

  /**
   * Ends the delay and connects immediately, for example on user request or when the network is
   * back.
   *
   * @returns Whether there was a delay.
   */
  reconnectNow(): boolean {
    return this.#control.reconnectNow();
  }

  /**
   * Ends it permanently: starts the closing handshake (RFC 6455 section 7.1.2), or cancels the
   * current attempt. No messages are delivered afterwards. Queued messages are dropped; the close
   * is then not clean (`NOT_DELIVERED`).
   *
   * @param code 1000 to 1003, 1007 to 1014 or 3000 to 4999. Default: 1000.
   * @param reason At most 123 bytes of UTF-8. Default: empty.
   * @throws {TypeError} When the code is not an integer or the reason not a string.
   * @throws {RangeError} When the code must not be sent, or the reason is too long.
   */
  close(code: number = 1000, reason: string = ""): void {
    this.#control.close(code, reason);
  }

  /** Ends it permanently and destroys the socket immediately; buffered output is dropped. */
  terminate(): void {
    this.#control.terminate();
  }

  /**
   * Subscribes to a topic, on this connection and all later ones. If the server has a history,
   * messages published between connections are delivered too, or `missed` is called; without a
   * history, `missed` is called after each reconnection.
   *
   * @param topic Its name: 1 to 1024 bytes of UTF-8.
   * @param handlers The handlers of its messages.
   * @returns Resolves when the server has confirmed it for the first time. Rejects with a
   * `WebSocketError`: `TOPIC_REFUSED` if the server rejects it, `NOT_OPEN` if it was unsubscribed
   * or the connection ended permanently first. Ignoring the promise causes no unhandled rejection.
   * @throws {TypeError} When the option `reconnect.topics` is not `true`, the topic is not a string
   * or already subscribed, or a handler is not a function.
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
   * Unsubscribes from a topic.
   *
   * @returns Whether it was subscribed.
   * @throws {TypeError | RangeError} As {@linkcode ReconnectingConnection.subscribe} does.
   */
  unsubscribe(topic: string): boolean {
    checkTopic(topic);
    return this.#subscriptions("unsubscribe").unsubscribe(topic);
  }

  /** A snapshot of the subscribed topics, in subscription order. */
  get topics(): string[] {
    return this.#control.subscriptions?.names ?? [];
  }

  /**
   * Iterates over the messages of all connections with backpressure: unread messages stop the
   * server. Ends when the connection has ended permanently; throws the cause if the close was not
   * clean.
   *
   * @throws {TypeError} When there is a `message` handler, which takes the messages, or another reader.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message, undefined> {
    return this.#control.openReader() as AsyncIterableIterator<Message, undefined>;
  }

  /**
   * The messages of all connections as a web stream; the same stream on each access. It ends when
   * the connection has ended permanently, and fails with the cause if the close was not clean.
   * Cancelling it closes the connection with 1000.
   *
   * @throws {TypeError} When there is a `message` handler, which takes the messages, or another reader.
   */
  get readable(): ReadableStream<Message> {
    return this.#readable ??= readableFrom(this[Symbol.asyncIterator](), () => this.close());
  }

  /**
   * A web stream that sends each chunk as a message, with backpressure; the same stream on each
   * access. Chunks wait for a connection if there is none. Closing the stream closes the connection
   * with 1000, aborting it with 1011.
   */
  get writable(): WritableStream<string | ArrayBuffer | ArrayBufferView> {
    return this.#writable ??= writableTo<MessageData>({
      write: (message) => this.#write(message),
      close: () => this[Symbol.asyncDispose](),
      fail: (error) => this.#control.fail(error),
    });
  }

  async #write(message: MessageData): Promise<void> {
    const { sender } = this.#control;
    while (sender.open === undefined) {
      if (this.readyState === "closing" || this.readyState === "closed") {
        throw new WebSocketError("NOT_OPEN", "Cannot send: the connection is not open any more");
      }
      await sender.connected();
    }
    if (!this.send(message)) await this.drained();
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
