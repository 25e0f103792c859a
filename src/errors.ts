/**
 * The error classes of the library and their stable codes.
 *
 * Misuse by the caller is a `TypeError` or a `RangeError`, thrown synchronously. Violations by the
 * peer and network failures are instances of the classes here.
 *
 * @module
 */

/**
 * The stable, documented code of an error; see {@linkcode WebSocketError.code}.
 *
 * @category Errors
 */
export type ErrorCode =
  // The peer broke the framing rules of RFC 6455 section 5: closed with 1002.
  | "RESERVED_BITS"
  | "RESERVED_OPCODE"
  | "MASK_MISSING"
  | "MASK_UNEXPECTED"
  | "LENGTH_NOT_MINIMAL"
  | "LENGTH_TOP_BIT"
  | "CONTROL_FRAME_TOO_LONG"
  | "CONTROL_FRAME_FRAGMENTED"
  | "CONTINUATION_UNEXPECTED"
  | "CONTINUATION_EXPECTED"
  | "CLOSE_PAYLOAD_TOO_SHORT"
  | "CLOSE_CODE_INVALID"
  // The peer's payload does not match its type: closed with 1007.
  | "INVALID_UTF8"
  | "INVALID_DEFLATE_DATA"
  | "TOPIC_LINE_INVALID"
  // A compressed message arrived although compression.decompress is false: closed with 1003.
  | "COMPRESSION_REFUSED"
  // The peer exceeded a limit: closed with 1009 or 1008.
  | "MESSAGE_TOO_BIG"
  | "TOO_MANY_FRAGMENTS"
  | "SLOW_CONSUMER"
  | "RATE_LIMITED"
  // All connections together hold too much memory: closed with 1013.
  | "MEMORY_LIMIT"
  // A user handler threw or rejected: closed with 1011.
  | "HANDLER_FAILED"
  // User code transferred memory that contained later messages: closed with 1011.
  | "BUFFER_DETACHED"
  // A defect of this library, closed with 1011; please report it.
  | "INTERNAL"
  // The opening handshake failed (RFC 6455 section 4).
  | "HEAD_TOO_LARGE"
  | "HEAD_MALFORMED"
  | "METHOD_NOT_ALLOWED"
  | "HTTP_VERSION"
  | "BODY_NOT_ALLOWED"
  | "HOST_INVALID"
  | "UPGRADE_MISSING"
  | "CONNECTION_MISSING"
  | "KEY_INVALID"
  | "VERSION_UNSUPPORTED"
  | "ORIGIN_REFUSED"
  | "HOST_REFUSED"
  | "TOO_MANY_CONNECTIONS"
  | "NOT_FOUND"
  | "UPGRADE_REJECTED"
  | "SHUTTING_DOWN"
  | "PROXY_HEADER_INVALID"
  | "STATUS_UNEXPECTED"
  | "ACCEPT_INVALID"
  | "SUBPROTOCOL_UNEXPECTED"
  | "EXTENSION_UNEXPECTED"
  // A timeout expired.
  | "HANDSHAKE_TIMEOUT"
  | "CLOSE_TIMEOUT"
  | "PONG_TIMEOUT"
  | "READ_TIMEOUT"
  | "WRITE_TIMEOUT"
  | "MESSAGE_TIMEOUT"
  // The socket failed.
  | "LISTEN_FAILED"
  | "CONNECT_FAILED"
  | "CONNECTION_LOST"
  | "PROXY_REFUSED"
  | "PROXY_FAILED"
  | "TERMINATED"
  // Accepted messages could not be sent before the connection ended.
  | "NOT_DELIVERED"
  // A message was sent through a stream after the close, or a topic was not confirmed before it.
  | "NOT_OPEN"
  // The server rejects a subscription, or the subprotocol.
  | "TOPIC_REFUSED"
  | "TOPICS_UNSUPPORTED"
  // The source of a fragmented message failed: closed with 1011.
  | "SOURCE_FAILED"
  // The backplane; these are passed to onError only.
  | "BACKPLANE_DOWN"
  | "BACKPLANE_OVERFLOW"
  | "BACKPLANE_FAILED"
  | "BACKPLANE_INVALID_MESSAGE";

/**
 * The options of an error.
 *
 * @category Errors
 */
export interface WebSocketErrorOptions extends ErrorOptions {
  /** The close code for this error (RFC 6455 section 7.4). */
  closeCode?: number;
}

/**
 * The base class of all connection errors; each subclass is a kind of error.
 *
 * @example
 * ```ts
 * import { ProtocolError, WebSocketError } from "@quickws/quickws";
 *
 * const error: WebSocketError = new ProtocolError("RESERVED_BITS", "RSV2 is set");
 * console.log(error.code, error.closeCode); // RESERVED_BITS 1002
 * ```
 *
 * @category Errors
 */
export class WebSocketError extends Error {
  /** The name of the class, also in serialized errors. */
  override readonly name: string = "WebSocketError";
  /** The stable name of the failure; it does not change between versions. */
  readonly code: ErrorCode;
  /** The close code for this error, if there is one. */
  readonly closeCode: number | undefined;

  /**
   * Creates an error.
   *
   * @param code The stable name of the failure.
   * @param message A description of the failure, with the value and the limit.
   * @param options The cause, and the close code if there is one.
   */
  constructor(code: ErrorCode, message: string, options?: WebSocketErrorOptions) {
    super(message, options);
    this.code = code;
    this.closeCode = options?.closeCode;
  }
}

/**
 * The peer broke a rule of RFC 6455 or RFC 7692; the connection is closed with 1002.
 *
 * @example
 * ```ts
 * import { checkHeader, ProtocolError } from "@quickws/quickws/core";
 *
 * const rules = { masked: true, rsv1: false, maxMessageSize: 1024, maxFragments: 16 };
 * try {
 *   checkHeader(0x81, 0x05, rules, false); // A text frame that is not masked.
 * } catch (error) {
 *   if (error instanceof ProtocolError) console.log(error.code); // MASK_MISSING
 * }
 * ```
 *
 * @category Errors
 */
export class ProtocolError extends WebSocketError {
  /** The name of the class. */
  override readonly name = "ProtocolError";

  /**
   * Creates an error that closes with 1002.
   *
   * @param code The stable name of the violated rule.
   * @param message The violated rule and the offending value.
   */
  constructor(code: ErrorCode, message: string) {
    super(code, message, { closeCode: 1002 });
  }
}

/**
 * The peer sent a payload that does not match its type; the connection is closed with 1007.
 *
 * @example
 * ```ts
 * import { decodeText, InvalidPayloadError } from "@quickws/quickws/core";
 *
 * try {
 *   decodeText(Uint8Array.of(0xc3, 0x28), 0, 2);
 * } catch (error) {
 *   if (error instanceof InvalidPayloadError) console.log(error.code); // INVALID_UTF8
 * }
 * ```
 *
 * @category Errors
 */
export class InvalidPayloadError extends WebSocketError {
  /** The name of the class. */
  override readonly name = "InvalidPayloadError";

  /**
   * Creates an error that closes with 1007.
   *
   * @param code The stable name of the fault.
   * @param message A description of the fault.
   */
  constructor(code: ErrorCode, message: string) {
    super(code, message, { closeCode: 1007 });
  }
}

/**
 * The peer's message is larger than `maxMessageSize`; the connection is closed with 1009.
 *
 * @example
 * ```ts
 * import { connect, MessageTooBigError, serve } from "@quickws/quickws";
 *
 * await using server = await serve({ port: 0, open: (conn) => conn.send("x".repeat(2000)) });
 * const conn = await connect(server.url, { maxMessageSize: 1000, message: () => {} });
 * const { code, error } = await conn.closed;
 * console.log(code, error instanceof MessageTooBigError); // 1009 true
 * ```
 *
 * @category Errors
 */
export class MessageTooBigError extends WebSocketError {
  /** The name of the class. */
  override readonly name = "MessageTooBigError";

  /**
   * Creates an error that closes with 1009.
   *
   * @param message A description with the size and the limit.
   */
  constructor(message: string) {
    super("MESSAGE_TOO_BIG", message, { closeCode: 1009 });
  }
}

/**
 * The read-only part of the web's `Headers`. `new Headers(view)` converts it.
 *
 * @category Connection
 */
export interface HeaderView extends Iterable<[name: string, value: string]> {
  /** The field's value, repeated lines joined by `", "`, or `null`. The name's case is ignored. */
  get(name: string): string | null;
  /** Whether there is a field of this name. The name's case is ignored. */
  has(name: string): boolean;
}

/**
 * Details of the HTTP response of a failed opening handshake.
 *
 * @category Errors
 */
export interface HandshakeErrorOptions extends ErrorOptions {
  /** The HTTP status code of the response. */
  status?: number;
  /** The header fields of the response. */
  headers?: HeaderView;
  /** The start of the response's body as text. */
  body?: string;
}

/**
 * The opening handshake failed (RFC 6455 section 4). On the client `status`, `headers` and `body`
 * describe the server's response; on the server `status` and the message describe the response it sent.
 *
 * @example
 * ```ts
 * import { connect, HandshakeError, serve } from "@quickws/quickws";
 *
 * await using server = await serve({
 *   port: 0,
 *   upgrade: () => ({ status: 401, body: "log in first" }),
 * });
 * try {
 *   await connect(server.url);
 * } catch (error) {
 *   if (error instanceof HandshakeError) console.log(error.status, error.body); // 401 log in first
 * }
 * ```
 *
 * @category Errors
 */
export class HandshakeError extends WebSocketError {
  /** The name of the class. */
  override readonly name = "HandshakeError";
  /** The HTTP status code, if there was a response. */
  readonly status: number | undefined;
  /** The header fields of the response, if there was one. */
  readonly headers: HeaderView | undefined;
  /** The start of the response's body as text, if there was one. */
  readonly body: string | undefined;

  /**
   * Creates an error.
   *
   * @param code The stable name of the failure.
   * @param message The description of the failure.
   * @param options The cause and the details of the HTTP response.
   */
  constructor(code: ErrorCode, message: string, options?: HandshakeErrorOptions) {
    super(code, message, options);
    this.status = options?.status;
    this.headers = options?.headers;
    this.body = options?.body;
  }
}

/**
 * An operation took longer than its option allows.
 *
 * @example
 * ```ts
 * import { connect, serve, TimeoutError } from "@quickws/quickws";
 *
 * await using server = await serve({ port: 0 });
 * const conn = await connect(server.url, { readTimeout: 50, message: () => {} });
 * const { error } = await conn.closed;
 * console.log(error instanceof TimeoutError && error.code); // READ_TIMEOUT
 * ```
 *
 * @category Errors
 */
export class TimeoutError extends WebSocketError {
  /** The name of the class. */
  override readonly name = "TimeoutError";
}

/**
 * The socket could not be opened, or ended without a closing handshake.
 *
 * @example
 * ```ts
 * import { connect, ConnectionError } from "@quickws/quickws";
 *
 * try {
 *   await connect("ws://127.0.0.1:1/"); // No server listens on this port.
 * } catch (error) {
 *   if (error instanceof ConnectionError) console.log(error.code); // CONNECT_FAILED
 * }
 * ```
 *
 * @category Errors
 */
export class ConnectionError extends WebSocketError {
  /** The name of the class. */
  override readonly name = "ConnectionError";
}
