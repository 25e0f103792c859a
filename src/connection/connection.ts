// The public object of an open WebSocket connection, the same on both sides.

import { PreparedMessage } from "../message/prepared_message.ts";
import type { CloseInfo } from "../session/end.ts";
import { checkTextBytes } from "../message/message_writer.ts";
import { CloseCode } from "../wire/close.ts";
import {
  checkCloseArguments,
  checkPublishOptions,
  checkTopic,
  controlPayload,
  type FragmentOptions,
  type PublishOptions,
  type PublishResult,
  type SendOptions,
  type StreamOptions,
  wantsCompression,
  writtenOf,
} from "./arguments.ts";
import { type MessageOpcode, Opcode } from "../wire/opcode.ts";
import { toBytes } from "../shared/bytes.ts";
import { checkType, show } from "../shared/check.ts";
import type {
  AnyMessage,
  ConnectionDriver,
  ConnectionTopics,
  HandshakeInfo,
  Message,
  MessageData,
} from "./connection_driver.ts";
import { FragmentedMessage, sendStream } from "./fragments.ts";
import { readableOf, writableOf } from "./incoming.ts";

const NO_BYTES = new Uint8Array(0);

/** Starts the closing handshake with an empty Close frame (RFC 6455 section 5.5.1). */
export let closeWithoutCode: (connection: Connection) => void;

/**
 * One open WebSocket connection.
 *
 * @example
 * ```ts
 * import { connect, serve } from "@quickws/quickws";
 *
 * await using server = await serve({ port: 0, message: (conn, data) => conn.send(data) });
 * const conn = await connect(server.url);
 * conn.send("hello");
 * for await (const data of conn) {
 *   console.log(data); // hello
 *   conn.close();
 * }
 * ```
 *
 * @category Connection
 */
export class Connection<T = unknown, M extends AnyMessage = Message> {
  readonly #driver: ConnectionDriver;
  /** Rarely used state. */
  #extra: ConnectionExtra<M> | undefined;
  /** The result of the opening handshake, or the head of its request until it is read. */
  #handshake: HandshakeInfo | string;
  /** Application data for the connection. */
  data: T;

  static {
    closeWithoutCode = (connection) => connection.#driver.close(CloseCode.NoStatus, "");
  }

  /** @internal Created by `connect` and `serve`. */
  constructor(driver: ConnectionDriver, handshake: HandshakeInfo | string, data: T) {
    this.#driver = driver;
    this.#handshake = handshake;
    this.data = data;
  }

  /** The result of the opening handshake. */
  get handshake(): HandshakeInfo {
    const handshake = this.#handshake;
    if (typeof handshake !== "string") return handshake;
    return this.#handshake = this.#driver.readHandshake!(handshake);
  }

  /** The URL of the connection as requested by the client. */
  get url(): string {
    return this.handshake.url;
  }

  /** The negotiated subprotocol, or the empty string. */
  get protocol(): string {
    return this.handshake.protocol;
  }

  /** The extensions in use as the handshake's response lists them, or the empty string. */
  get extensions(): string {
    return this.handshake.extensions;
  }

  /** The peer's address, without the port; empty if it has none. */
  get remoteAddress(): string {
    return this.#driver.remoteAddress;
  }

  /** The peer's port; 0 if it has none, as on unix sockets. */
  get remotePort(): number {
    return this.#driver.remotePort;
  }

  /** Whether messages can be sent: only while it is `"open"`. */
  get readyState(): "open" | "closing" | "closed" {
    const state = this.#driver.state;
    return state === "opening" ? "open" : state;
  }

  /** Bytes accepted by `send` that have not left the process, frame headers included. */
  get bufferedAmount(): number {
    return this.#driver.bufferedAmount;
  }

  /** Resolves, and never rejects, when the connection has ended. */
  get closed(): Promise<CloseInfo> {
    return this.#more.closed ??= this.#driver.whenClosed();
  }

  /**
   * Sends a message: a string as text, bytes as binary. The bytes are copied.
   *
   * @param data The message: a string, an `ArrayBuffer`, or any view of one.
   * @param options How to send it.
   * @returns `true`: accepted, more may be sent. `false`: above `highWaterMark` (the message is
   * accepted; wait for `drain` or {@linkcode Connection.drained} before sending more), or no longer
   * open (the message is dropped; check {@linkcode Connection.readyState}).
   * @throws {TypeError} When the data is of another type.
   *
   * @example Detect that a message has left the process
   * ```ts
   * import { serve } from "@quickws/quickws";
   *
   * await using server = await serve({
   *   port: 0,
   *   open: (conn) => {
   *     conn.send("goodbye", { written: (error) => console.log(error ?? "sent") });
   *   },
   * });
   * ```
   */
  send(data: string | ArrayBuffer | ArrayBufferView, options?: SendOptions): boolean {
    const driver = this.#driver;
    if (options === undefined) {
      if (typeof data === "string") return driver.sendText(data);
      return driver.sendBytes(Opcode.Binary, toBytes(data));
    }
    const compress = wantsCompression("send", options);
    const written = writtenOf(options);
    if (typeof data === "string") return driver.sendText(data, compress, written);
    return driver.sendBytes(Opcode.Binary, toBytes(data), compress, written);
  }

  /**
   * Sends a text message given as UTF-8 bytes.
   *
   * @returns As {@linkcode Connection.send} does.
   * @throws {TypeError} When the bytes are not UTF-8.
   */
  sendUtf8(bytes: ArrayBuffer | ArrayBufferView, options?: SendOptions): boolean {
    if (typeof bytes === "string") {
      throw new TypeError(
        `Cannot send: sendUtf8 takes UTF-8 as bytes, got ${show(bytes)}; send() takes strings`,
      );
    }
    const utf8 = toBytes(bytes);
    checkTextBytes(utf8);
    const compress = wantsCompression("sendUtf8", options);
    return this.#driver.sendBytes(Opcode.Text, utf8, compress, writtenOf(options));
  }

  /**
   * Sends a message that may be delayed, so that several leave in one write: when
   * `delayedWrite.maxMessages` are waiting, after `delayedWrite.maxDelay` milliseconds, or with the
   * next frame from another method. The order of messages is preserved.
   *
   * @returns As {@linkcode Connection.send} does.
   * @throws {TypeError} When the data is of another type.
   */
  sendDelayed(data: string | ArrayBuffer | ArrayBufferView): boolean {
    if (typeof data === "string") return this.#driver.sendDelayed(Opcode.Text, data);
    return this.#driver.sendDelayed(Opcode.Binary, toBytes(data));
  }

  /**
   * Sends a message encoded by `prepareMessage` for many connections.
   *
   * @returns As {@linkcode Connection.send} does.
   * @throws {TypeError} When it is not a prepared message.
   */
  sendPrepared(message: PreparedMessage): boolean {
    if (!(message instanceof PreparedMessage)) {
      throw new TypeError(
        `Cannot send: sendPrepared takes a message of prepareMessage, got ${show(message)}`,
      );
    }
    return this.#driver.sendPrepared(message);
  }

  /**
   * Sends all chunks of `source` as one message, in fragments, no faster than the peer reads.
   * Messages sent meanwhile follow it. With compression, each chunk is compressed as it arrives,
   * regardless of `compression.threshold`.
   *
   * `close` waits for the end of the source. An endless source keeps the connection open: end it
   * with `terminate()`, or on a server with `shutdown({ timeout })`.
   *
   * @param source The source of chunks: strings for text, bytes for binary.
   * @param opcode Text or binary. Default: the type of the first chunk.
   * @param options How to send it.
   * @returns `true` if everything was sent, `false` if the connection ended first. Rejects with the
   * source's error; if part of the message was already sent, the connection is closed with 1011.
   * Rejects with a `TypeError` if an argument has the wrong type.
   *
   * @example
   * ```ts
   * import { connect, serve } from "@quickws/quickws";
   *
   * await using server = await serve({ port: 0, message: (conn, data) => conn.send(data) });
   * await using conn = await connect(server.url);
   * await conn.sendStream(new Blob(["a large ", "file"]).stream());
   * ```
   */
  sendStream(
    source: ReadableStream<MessageData> | AsyncIterable<MessageData>,
    opcode?: MessageOpcode,
    options?: StreamOptions,
  ): Promise<boolean> {
    return sendStream(this.#driver, source, opcode, options);
  }

  /**
   * Sends one fragment of a message (RFC 6455 section 5.4). The message ends with the fragment that
   * has `fin`. Other messages are queued until then, so do not `await drained()` in between: it
   * waits for them. If the connection is closed before the last fragment, the message remains
   * incomplete, queued messages are not sent, and the close is not clean.
   *
   * @param opcode Text or binary. For fragments after the first it may also be `Opcode.Continuation`.
   * @param data The fragment: a string for text, bytes for either.
   * @param options Whether it is the last one. `compress` applies to the first fragment only.
   * @returns As {@linkcode Connection.send} does.
   * @throws {TypeError} When an argument is of the wrong type, the opcode does not match the
   * previous fragments, or bytes of a text message are not UTF-8.
   *
   * @example
   * ```ts
   * import { Opcode, serve } from "@quickws/quickws";
   *
   * await using server = await serve({
   *   port: 0,
   *   open: (conn) => {
   *     conn.sendFragment(Opcode.Text, "in two ");
   *     conn.sendFragment(Opcode.Text, "fragments", { fin: true });
   *   },
   * });
   * ```
   */
  sendFragment(
    opcode: Opcode,
    data: string | ArrayBuffer | ArrayBufferView,
    options?: FragmentOptions,
  ): boolean {
    const compress = wantsCompression("sendFragment", options, ["fin", "compress"]);
    checkType("fin", options?.fin, "boolean");
    const extra = this.#more;
    const isLast = options?.fin === true;
    const started = extra.message;
    if (started !== undefined) checkNextOpcode(opcode, started.opcode);
    const message = extra.message ??= new FragmentedMessage(
      checkFirstOpcode(opcode),
      (opcode, bytes, fin) => this.#driver.sendFragment(opcode, bytes, fin, compress),
    );
    try {
      const more = isLast ? message.finish(data) : message.add(data);
      if (isLast) extra.message = undefined;
      return more;
    } catch (error) {
      // A rejected first fragment does not begin a message.
      if (started === undefined) extra.message = undefined;
      throw error;
    }
  }

  /**
   * Subscribes to a topic: messages published to it are sent on this connection until it
   * unsubscribes or closes. Only connections of a server have topics, not those of `connect`.
   *
   * @param topic Its name: 1 to 1024 bytes of UTF-8.
   * @returns `true` if it is now subscribed, or already was. `false` if it is no longer open.
   * @throws {TypeError} When the topic is not a string, or the connection came from `connect`.
   * @throws {RangeError} When the topic is empty or too long.
   */
  subscribe(topic: string): boolean {
    checkTopic(topic);
    return this.#serverTopics("subscribe").subscribe(this.#driver, topic);
  }

  /**
   * Unsubscribes from a topic. Messages published before are still sent. A client with
   * `clientTopics` is notified.
   *
   * @returns Whether it was subscribed.
   * @throws {TypeError | RangeError} As {@linkcode Connection.subscribe} does.
   */
  unsubscribe(topic: string): boolean {
    checkTopic(topic);
    const subscribed = this.#serverTopics("unsubscribe").unsubscribe(this.#driver, topic);
    if (subscribed) this.#driver.topicListener?.refused(topic, "the server has unsubscribed it");
    return subscribed;
  }

  /**
   * A snapshot of the subscribed topics, in subscription order. It is still complete in the `close`
   * handler; afterwards, and on connections of `connect`, it is empty.
   */
  get topics(): string[] {
    return this.#driver.topics?.namesOf(this.#driver) ?? [];
  }

  /**
   * Sends a message to all connections of the server that are subscribed to a topic, except this
   * one, which need not be subscribed or open.
   *
   * @param topic The topic.
   * @param data A string is sent as text, bytes as binary; or a prepared message (`prepareMessage`).
   * @param options The policy for slow connections.
   * @returns The number of connections for each outcome.
   * @throws {TypeError | RangeError} As `server.publish` does, or if the connection came from
   *   `connect`.
   */
  publish(
    topic: string,
    data: string | ArrayBuffer | ArrayBufferView | PreparedMessage,
    options: PublishOptions = {},
  ): PublishResult {
    checkTopic(topic);
    checkPublishOptions(options, ["onSlow", "key"]);
    return this.#serverTopics("publish").publish(topic, data, options, this.#driver);
  }

  /**
   * Sends a ping (RFC 6455 section 5.5.2).
   *
   * @param payload At most 125 bytes; a string is sent as UTF-8. Default: empty.
   * @returns As {@linkcode Connection.send} does.
   * @throws {RangeError} When the payload is over 125 bytes.
   */
  ping(payload: string | ArrayBuffer | ArrayBufferView = NO_BYTES): boolean {
    return this.#driver.sendControl(Opcode.Ping, controlPayload(payload));
  }

  /**
   * Sends an unsolicited pong (RFC 6455 section 5.5.3).
   *
   * @param payload At most 125 bytes; a string is sent as UTF-8. Default: empty.
   * @returns As {@linkcode Connection.send} does.
   * @throws {RangeError} When the payload is over 125 bytes.
   */
  pong(payload: string | ArrayBuffer | ArrayBufferView = NO_BYTES): boolean {
    return this.#driver.sendControl(Opcode.Pong, controlPayload(payload));
  }

  /**
   * Starts the closing handshake (RFC 6455 section 7.1.2). Accepted messages are sent first, as
   * long as the peer reads them (option `closeTimeout`). No messages are delivered afterwards. Does
   * nothing if the connection is closing or closed.
   *
   * @param code 1000 to 1003, 1007 to 1014 or 3000 to 4999. Default: 1000.
   * @param reason At most 123 bytes of UTF-8. Default: empty.
   * @throws {TypeError} When the code is not an integer or the reason not a string.
   * @throws {RangeError} When the code must not be sent, or the reason is too long.
   */
  close(code: number = CloseCode.Normal, reason: string = ""): void {
    checkCloseArguments(code, reason);
    this.#driver.close(code, reason);
  }

  /** Destroys the socket immediately, without a closing handshake, and drops buffered output. */
  terminate(): void {
    this.#driver.terminate();
  }

  /**
   * Calls `fn` synchronously and sends its messages in one write. Handlers are corked
   * automatically.
   */
  cork(fn: () => void): void {
    this.#driver.cork(fn);
  }

  /**
   * Resolves when {@linkcode Connection.bufferedAmount} is at most `highWaterMark`, or the connection
   * has ended.
   */
  drained(): Promise<void> {
    return this.#driver.drained();
  }

  /**
   * Stops reading from the socket, which applies backpressure to the peer. Until `resume`, the
   * timeouts for the peer's input (`pongTimeout`, `readTimeout`, `messageTimeout`) are suspended,
   * and a disconnection may go unnoticed.
   */
  pause(): void {
    this.#driver.pause();
  }

  /** Resumes reading after {@linkcode Connection.pause}. */
  resume(): void {
    this.#driver.resume();
  }

  /**
   * Iterates over the messages with backpressure: unread messages stop the peer. Ends when the
   * connection closes; throws the cause if the close was not clean. Only one reader is allowed at a
   * time; after `break`, another reader continues where it stopped.
   *
   * @throws {TypeError} When there is a `message` handler, which takes the messages, or another reader.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<M, undefined> {
    return this.#driver.openReader() as AsyncIterableIterator<M, undefined>;
  }

  /**
   * The incoming messages as a web stream; the same stream on each access. It ends when the
   * connection closes, and fails with the cause if the close was not clean. Cancelling it closes
   * the connection with 1000.
   *
   * @throws {TypeError} When there is a `message` handler, which takes the messages, or another reader.
   */
  get readable(): ReadableStream<M> {
    return this.#more.readable ??= readableOf(
      this.#driver,
      this.#driver.openReader(),
    ) as ReadableStream<M>;
  }

  /**
   * A web stream that sends each chunk as a message, with backpressure; the same stream on each
   * access. Closing it closes the connection with 1000, aborting it with 1011.
   */
  get writable(): WritableStream<string | ArrayBuffer | ArrayBufferView> {
    return this.#more.writable ??= writableOf(this.#driver, (message) => this.send(message));
  }

  get #more(): ConnectionExtra<M> {
    return this.#extra ??= new ConnectionExtra();
  }

  static {
    Object.defineProperty(this.prototype, Symbol.for("nodejs.util.inspect.custom"), {
      value: inspectConnection,
      configurable: true,
      writable: true,
    });
  }

  #serverTopics(what: string): ConnectionTopics {
    const { topics } = this.#driver;
    if (topics === undefined) {
      throw new TypeError(
        `Cannot ${what}: only connections of a server have topics, and this one came from connect`,
      );
    }
    return topics;
  }

  /** Closes with 1000 and waits for the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.closed;
  }
}

/** Rarely used state. */
class ConnectionExtra<M> {
  closed: Promise<CloseInfo> | undefined;
  readable: ReadableStream<M> | undefined;
  writable: WritableStream<MessageData> | undefined;
  /** The message being sent with `sendFragment`. */
  message: FragmentedMessage | undefined;
}

/**
 * The output of `console.log` for a connection, through the `node:util` protocol that all three
 * runtimes support.
 *
 * @param args The depth, the options and the inspect function.
 */
function inspectConnection(this: Connection, ...args: unknown[]): string {
  const { readyState, url, protocol, extensions, remoteAddress, bufferedAmount, data } = this;
  const shown = {
    readyState,
    url,
    remoteAddress,
    bufferedAmount,
    ...(protocol === "" ? undefined : { protocol }),
    ...(extensions === "" ? undefined : { extensions }),
    ...(data === undefined ? undefined : { data }),
  };
  const [, options, inspect] = args;
  return `Connection ${
    typeof inspect === "function" ? inspect(shown, options) : JSON.stringify(shown)
  }`;
}

/** @throws {TypeError} Unless a message can begin with the opcode. */
function checkFirstOpcode(opcode: unknown): MessageOpcode {
  if (opcode === Opcode.Text || opcode === Opcode.Binary) return opcode;
  throw new TypeError(
    opcode === Opcode.Continuation
      ? "Cannot send: the first fragment of a message has Opcode.Text or Opcode.Binary"
      : `Cannot send: the opcode must be Opcode.Text or Opcode.Binary, got ${show(opcode)}`,
  );
}

/** @throws {TypeError} Unless the opcode can continue the current message. */
function checkNextOpcode(opcode: unknown, first: MessageOpcode | undefined): void {
  if (opcode === first || opcode === Opcode.Continuation) return;
  throw new TypeError(
    `Cannot send: the opcode of the message's other fragments is ${first}, got ${show(opcode)}`,
  );
}
