/* A server's responses: 101 Switching Protocols, and rejections (RFC 6455 4.2.2). */

import type { HandshakeError } from "../errors.ts";
import { ACCEPT_LENGTH, writeAcceptKey } from "./accept_key.ts";
import {
  assertFieldName,
  assertFieldValue,
  HeaderFields,
  isReceivedValue,
} from "./header_fields.ts";
import {
  encodeBody,
  encodeHead,
  type FieldLines,
  formatFields,
  userFields,
  writeAscii,
} from "./outgoing.ts";
import { assertSubprotocols } from "./subprotocols.ts";

/**
 * The options of {@linkcode acceptResponse}.
 *
 * @category Handshake
 */
export interface AcceptOptions {
  /** The client's key. */
  key: string;
  /** The selected subprotocol. Default: none. */
  subprotocol?: string;
  /** The client's subprotocols; if given, `subprotocol` must be one of these. */
  subprotocols?: readonly string[];
  /** The value of `Sec-WebSocket-Extensions`. Default: none is accepted. */
  extensions?: string;
  /** Further header fields. */
  headers?: FieldLines;
}

/**
 * The options of {@linkcode refusalResponse}.
 *
 * @category Handshake
 */
export interface RefusalOptions {
  /** The status code, 200 to 599. */
  status: number;
  /** Further header fields. */
  headers?: FieldLines;
  /** The body; a string is sent as UTF-8. Default: empty. */
  body?: string | Uint8Array;
  /** `true` omits the body but sends its length, as in a response to HEAD. */
  omitBody?: boolean;
}

const ACCEPT_START: Uint8Array = encodeHead(
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    "Sec-WebSocket-Accept: ",
);

const HANDSHAKE_SETS = "the opening handshake sets it";

const RESERVED: ReadonlyMap<string, string> = new Map([
  ["upgrade", HANDSHAKE_SETS],
  ["connection", HANDSHAKE_SETS],
  ["sec-websocket-accept", HANDSHAKE_SETS],
  ["sec-websocket-key", "only a client sends it"],
  ["sec-websocket-protocol", "use the option subprotocol"],
  ["sec-websocket-extensions", "use the option compression"],
  ["content-length", "the length of the body sets it"],
  ["transfer-encoding", "the body is sent in one piece"],
  ["keep-alive", "the connection is not kept for another request"],
  ["trailer", "the body has no trailers"],
]);

/** Reason phrases of likely rejections (RFC 9110 section 15). */
const REASONS: ReadonlyMap<number, string> = new Map([
  [200, "OK"],
  [204, "No Content"],
  [301, "Moved Permanently"],
  [302, "Found"],
  [303, "See Other"],
  [304, "Not Modified"],
  [307, "Temporary Redirect"],
  [308, "Permanent Redirect"],
  [400, "Bad Request"],
  [401, "Unauthorized"],
  [403, "Forbidden"],
  [404, "Not Found"],
  [405, "Method Not Allowed"],
  [406, "Not Acceptable"],
  [408, "Request Timeout"],
  [409, "Conflict"],
  [410, "Gone"],
  [413, "Content Too Large"],
  [414, "URI Too Long"],
  [421, "Misdirected Request"],
  [426, "Upgrade Required"],
  [429, "Too Many Requests"],
  [431, "Request Header Fields Too Large"],
  [500, "Internal Server Error"],
  [501, "Not Implemented"],
  [502, "Bad Gateway"],
  [503, "Service Unavailable"],
  [504, "Gateway Timeout"],
  [505, "HTTP Version Not Supported"],
]);

/**
 * Encodes the response that opens the connection (RFC 6455 4.2.2, item 5).
 *
 * Throws a `TypeError` for a `subprotocol` that is not a token or was not requested, and for a
 * field in `headers` that is invalid or set by the handshake.
 *
 * @example
 * ```ts
 * import { acceptResponse } from "@quickws/quickws/core";
 *
 * const bytes = acceptResponse({ key: "dGhlIHNhbXBsZSBub25jZQ==", subprotocol: "chat" });
 * console.log(new TextDecoder().decode(bytes)); // HTTP/1.1 101 Switching Protocols ...
 * ```
 *
 * @category Handshake
 */
export function acceptResponse(options: AcceptOptions): Uint8Array {
  const response = new AcceptResponse(options);
  const bytes = new Uint8Array(response.size);
  response.writeTo(bytes, 0);
  return bytes;
}

/** The response of {@linkcode acceptResponse}, to be written into other memory. */
export class AcceptResponse {
  readonly #key: string;
  /** The header fields after the key, from the end of its line on. */
  readonly #fields: string;

  /** @param options See {@linkcode acceptResponse}. */
  constructor({ key, subprotocol, subprotocols, extensions, headers }: AcceptOptions) {
    let fields = "\r\n";
    if (subprotocol !== undefined) {
      assertSubprotocols([subprotocol]);
      if (subprotocols !== undefined && !subprotocols.includes(subprotocol)) {
        throw new TypeError(`subprotocol is "${subprotocol}", which the client did not request`);
      }
      fields += `Sec-WebSocket-Protocol: ${subprotocol}\r\n`;
    }
    if (extensions !== undefined && extensions !== "") {
      assertFieldValue("Sec-WebSocket-Extensions", extensions);
      fields += `Sec-WebSocket-Extensions: ${extensions}\r\n`;
    }
    if (headers !== undefined) fields += formatFields(userFields(headers, RESERVED));
    this.#key = key;
    this.#fields = fields;
  }

  /** Its size in bytes. */
  get size(): number {
    return ACCEPT_START.length + ACCEPT_LENGTH + this.#fields.length + "\r\n".length;
  }

  /** Writes it into `target` from `offset` on. */
  writeTo(target: Uint8Array, offset: number): void {
    target.set(ACCEPT_START, offset);
    const key = offset + ACCEPT_START.length;
    writeAcceptKey(this.#key, target, key);
    const fields = key + ACCEPT_LENGTH;
    writeAscii(this.#fields, target, fields);
    writeAscii("\r\n", target, fields + this.#fields.length);
  }
}

/**
 * Encodes a response that rejects a request. Close the connection when it has been sent.
 *
 * `Connection: close` and `Content-Length` are set, and `Content-Type: text/plain; charset=utf-8`
 * unless `headers` has another; a 426 has `Upgrade: websocket` (RFC 9110 15.5.22).
 *
 * Throws a `RangeError` for a status outside 200 to 599: use {@linkcode acceptResponse} for 101;
 * others below 200 are not final. Throws a `TypeError` for a field in `headers` that is invalid or
 * set by the library, and for a body with 204 or 304.
 *
 * @example
 * ```ts
 * import { refusalResponse } from "@quickws/quickws/core";
 *
 * const headers = [["WWW-Authenticate", "Bearer"]] as [string, string][];
 * const bytes = refusalResponse({ status: 401, headers, body: "No token\n" });
 * console.log(new TextDecoder().decode(bytes)); // HTTP/1.1 401 Unauthorized ...
 * ```
 *
 * @category Handshake
 */
export function refusalResponse(options: RefusalOptions): Uint8Array {
  const { status } = options;
  assertStatus(status);
  const fields = new HeaderFields();
  if (status === 426) fields.append("Upgrade", "websocket");
  fields.append("Connection", status === 426 ? "Upgrade, close" : "close");
  for (const [name, value] of userFields(options.headers ?? [], RESERVED).lines()) {
    fields.append(name, value);
  }
  return formatResponse(status, fields, options);
}

/**
 * Encodes the server's response for a `HandshakeError`: its status, its header fields, and its
 * message as the body.
 *
 * @param error The error of the head reader or of `checkUpgrade`.
 * @param method The request's method, if it is known: the response to HEAD has no body.
 *
 * @example
 * ```ts
 * import { errorResponse, HandshakeError, ServerHandshake } from "@quickws/quickws/core";
 *
 * try {
 *   new ServerHandshake({ maxBytes: 16 }).push(new Uint8Array(17).fill(65));
 * } catch (error) {
 *   if (!(error instanceof HandshakeError)) throw error;
 *   console.log(new TextDecoder().decode(errorResponse(error))); // HTTP/1.1 431 ...
 * }
 * ```
 *
 * @category Handshake
 */
export function errorResponse(error: HandshakeError, method?: string): Uint8Array {
  const fields = error.headers instanceof HeaderFields
    ? error.headers
    : new HeaderFields([["Connection", "close"]]);
  const body = error.message + "\n";
  return formatResponse(error.status ?? 400, fields, { body, omitBody: method === "HEAD" });
}

/** The options of {@linkcode streamedResponseHead}. */
export interface StreamedResponseOptions {
  /** The status code, 200 to 599. */
  status: number;
  /** The header fields, without those for the connection and the length. */
  headers: FieldLines;
  /** The line that determines the end of the body, or `undefined` if the stream's end does. */
  framing: string | undefined;
}

/**
 * Encodes the head of a streamed response. Its fields are those of a web `Headers`, which may
 * contain obs-text, one character per byte. The connection closes afterwards.
 *
 * Throws a `RangeError` for a status outside 200 to 599, a `TypeError` for an invalid field.
 */
export function streamedResponseHead(options: StreamedResponseOptions): Uint8Array {
  const { status, headers, framing } = options;
  assertStatus(status);
  let head = `${statusLine(status)}Connection: ${status === 426 ? "Upgrade, close" : "close"}\r\n`;
  if (status === 426) head += "Upgrade: websocket\r\n";
  let hasType = status === 204 || status === 304;
  for (const [name, value] of headers) {
    assertFieldName(name);
    if (!isReceivedValue(name, value)) assertFieldValue(name, value);
    hasType ||= name.toLowerCase() === "content-type";
    head += `${name}: ${value}\r\n`;
  }
  if (!hasType) head += "Content-Type: text/plain; charset=utf-8\r\n";
  if (framing !== undefined) head += `${framing}\r\n`;
  return encodeHead(head + "\r\n");
}

function assertStatus(status: number): void {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new RangeError(`status is ${status}: it must be from 200 to 599`);
  }
}

function statusLine(status: number): string {
  return `HTTP/1.1 ${status} ${REASONS.get(status) ?? ""}\r\n`;
}

function formatResponse(
  status: number,
  fields: HeaderFields,
  options: Pick<RefusalOptions, "body" | "omitBody">,
): Uint8Array {
  const body = encodeBody(options.body);
  let head = statusLine(status) + formatFields(fields);
  // RFC 9110 15.3.5, 15.4.5 and 8.6: these have no content, and 204 must not even have a length.
  if (status === 204 || status === 304) {
    if (body.length > 0) throw new TypeError(`body is not empty: status ${status} has no body`);
    return encodeHead(head + "\r\n");
  }
  if (!fields.has("content-type")) head += "Content-Type: text/plain; charset=utf-8\r\n";
  head += `Content-Length: ${body.length}\r\n\r\n`;
  return encodeHead(head, options.omitBody === true ? undefined : body);
}
