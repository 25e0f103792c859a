// State shared by the connections of one `serve` or `connect`, and the layer of a library
// subprotocol.

import type { WebSocketError } from "../errors.ts";
import type { PreparedMessage } from "../message/prepared_message.ts";
import type { SessionEvents } from "../session/session.ts";
import type { MaskSource } from "../wire/frame_writer.ts";
import type { CompressionFactory } from "./compression.ts";
import type { Connection } from "./connection.ts";
import type {
  ConnectionDriver,
  ConnectionTopics,
  HandshakeInfo,
  TopicAnswers,
} from "./connection_driver.ts";
import type { ConnectionRules } from "./connection_options.ts";
import type { Handlers, LimitReport } from "./handlers.ts";

/** The state shared by all connections of one `serve` or `connect`. */
export interface DriverContext<T> {
  /** The checked options. */
  readonly connectionRules: ConnectionRules;
  /** Creates the compression of a connection; present only if `connectionRules` has compression. */
  readonly compressionFor?: CompressionFactory | undefined;
  /** The user's handlers. */
  readonly handlers: Handlers<T>;
  /** The source of mask keys, on the client's side. */
  readonly masks?: MaskSource | undefined;
  /** The topics of a server. */
  readonly topics?: ConnectionTopics;
  /** Reads the result of an opening handshake that is kept as text. */
  readHandshake?(head: string): HandshakeInfo;
  /** Passes an error of user code to `onError`. Must not throw. */
  reportError(error: unknown, connection?: Connection<T>): void;
  /** A limit was reached (option `onLimit`). Must not throw. */
  limitReached?(report: LimitReport<Connection<T>>): void;
  /** A connection fails; its `close` handler is called once the stream has ended. Must not throw. */
  connectionFailing?(connection: Connection<T>, error: WebSocketError): void;
  /** A connection has ended; its `close` handler is called next. */
  connectionClosed?(connection: Connection<T>): void;
}

/** The layer between a driver and the user if the client uses a subprotocol of the library. */
export interface DriverLayer<T> {
  /** The options of the connection, with room for additions to messages. */
  readonly rules: ConnectionRules;
  /** Processes incoming messages before they are delivered. */
  events(driver: LayeredDriver<T>, events: SessionEvents): SessionEvents;
  /** Receives notices about topics, and sends them with the given function. */
  listener(send: (text: string) => void): TopicAnswers;
  /** Encodes a text message. */
  text(text: string): string;
  /** Encodes a binary message or the first fragment of a message. */
  bytes(bytes: Uint8Array): Uint8Array;
  /** Encodes a prepared message. */
  prepared(message: PreparedMessage): PreparedMessage;
}

/** A driver, as its {@linkcode DriverLayer} sees it. */
export interface LayeredDriver<T> extends ConnectionDriver {
  /** The public object. */
  readonly connection: Connection<T>;
  /** Passes an error of user code on to `onError`. */
  reportError(error: unknown): void;
}
