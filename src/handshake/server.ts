/*
 * The server side of the opening handshake (RFC 6455 section 4.2): reads a request's head, and
 * validates upgrade requests. Responses are in response.ts.
 */

import { type ErrorCode, HandshakeError } from "../errors.ts";
import { isValidKey } from "./accept_key.ts";
import { consistsOf, DIGIT, equalsIgnoringCase, isToken, VISIBLE } from "./characters.ts";
import { type Extension, parseExtensions } from "./extensions.ts";
import { HeaderFields, isReceivedValue } from "./header_fields.ts";
import { type HeadLimits, HttpHeadReader } from "./http_head.ts";
import { isHost, isOriginForm } from "./outgoing.ts";
import { parseSubprotocols } from "./subprotocols.ts";

/**
 * The head of a request, of any kind.
 *
 * @category Handshake
 */
export interface RequestHead {
  /** The method, such as `GET`. */
  readonly method: string;
  /** The request target as sent. */
  readonly target: string;
  /**
   * The path and query of the target; the target itself if it has none (`*`). To build a URL,
   * concatenate `http://`, host and path instead of resolving: a path may begin with `//`.
   */
  readonly path: string;
  /** The host, with its port if sent: of the target, or the Host field, or empty. */
  readonly host: string;
  /** The version, such as `HTTP/1.1`. */
  readonly version: string;
  /** The header fields. */
  readonly fields: HeaderFields;
  /** Whether it is an upgrade request for WebSocket; if not, it is plain HTTP. */
  readonly isUpgrade: boolean;
  /** The bytes after the head. They are frames only after the 101 response. */
  readonly rest: Uint8Array;
}

/**
 * A request as parsed by another HTTP implementation.
 *
 * @category Handshake
 */
export interface ParsedRequest {
  /** The method. */
  method: string;
  /** The request target. */
  target: string;
  /** The version, such as `HTTP/1.1`. */
  version: string;
  /** Alternating names and values of the header lines, like `rawHeaders` of `node:http`. */
  rawHeaders: readonly string[];
  /** The bytes after the head. Default: none. */
  rest?: Uint8Array;
}

/**
 * Creates the head of a request read by another HTTP implementation.
 *
 * Throws a `HandshakeError` `HEAD_MALFORMED` (400) for input that {@linkcode ServerHandshake} would
 * reject, such as control characters.
 *
 * @example
 * ```ts
 * import { requestFrom } from "@quickws/quickws/core";
 *
 * const rawHeaders = ["Host", "a.example", "Upgrade", "websocket"];
 * const head = requestFrom({ method: "GET", target: "/", version: "HTTP/1.1", rawHeaders });
 * console.log(head.isUpgrade, head.host); // true a.example
 * ```
 *
 * @category Server
 */
export function requestFrom(request: ParsedRequest): RequestHead {
  const { method, target, version, rawHeaders, rest = new Uint8Array(0) } = request;
  let text = `${method} ${target} ${version}\r\n`;
  const start = text.length;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const [name, value] = [rawHeaders[i], rawHeaders[i + 1]];
    if (!isToken(name)) {
      throw malformed(`${JSON.stringify(name)} is not a header field name`);
    }
    if (!isReceivedValue(name, value)) {
      throw malformed(`The header field ${name} has an illegal character`);
    }
    text += `${name}: ${value}\r\n`;
  }
  return requestHead(method, target, version, HeaderFields.fromParsed(text, start), rest);
}

/**
 * Creates the head of a request from its request line and fields. Throws a `HandshakeError`
 * `HEAD_MALFORMED` (400) if the request line violates the grammar.
 */
export function parseRequestHead(
  line: string,
  fields: HeaderFields,
  rest: Uint8Array,
): RequestHead {
  // RFC 9112 section 3: method SP request-target SP HTTP-version.
  const first = line.indexOf(" ");
  const last = line.lastIndexOf(" ");
  const method = line.slice(0, Math.max(first, 0));
  const target = line.slice(first + 1, Math.max(last, first + 1));
  return requestHead(method, target, line.slice(last + 1), fields, rest);
}

function requestHead(
  method: string,
  target: string,
  version: string,
  fields: HeaderFields,
  rest: Uint8Array,
): RequestHead {
  if (!isToken(method) || !consistsOf(target, VISIBLE) || !isHttpVersion(version)) {
    throw malformed("The request line is malformed");
  }
  let host = fields.get("host") ?? "";
  let path = target;
  // RFC 9112 3.2.2: a server accepts the absolute form too, and then ignores the Host field.
  const authority = target.charCodeAt(0) === 0x2f ? -1 : authorityStart(target);
  if (authority !== -1) {
    const end = authorityEnd(target, authority);
    host = target.slice(authority, end);
    path = target.charCodeAt(end) === 0x2f ? target.slice(end) : "/" + target.slice(end);
  }
  const isUpgrade = fields.hasToken("upgrade", "websocket");
  return { method, target, path, host, version, fields, isUpgrade, rest };
}

/** RFC 9112 2.3: "HTTP" "/" DIGIT "." DIGIT, in capitals. */
function isHttpVersion(version: string): boolean {
  return version.length === 8 && version.startsWith("HTTP/") && version[6] === "." &&
    consistsOf(version[5] + version[7], DIGIT);
}

/** The start of the authority of an absolute-form `target`, or -1 for other forms. */
function authorityStart(target: string): number {
  for (const scheme of ["http://", "https://", "ws://", "wss://"]) {
    const length = scheme.length;
    if (target.length > length && equalsIgnoringCase(target, 0, length, scheme)) return length;
  }
  return -1;
}

function authorityEnd(target: string, start: number): number {
  for (let i = start; i < target.length; i++) {
    if (target[i] === "/" || target[i] === "?") return i;
  }
  return target.length;
}

function malformed(message: string): HandshakeError {
  return new HandshakeError("HEAD_MALFORMED", message, { status: 400 });
}

/**
 * A request that {@linkcode checkUpgrade} accepted as a legal opening handshake.
 *
 * @category Handshake
 */
export interface ServerRequest extends RequestHead {
  /** The client's key, for the accept value of the response. */
  readonly key: string;
  /** The requested subprotocols, the most preferred first. */
  readonly subprotocols: readonly string[];
  /** The offered extensions, the most preferred first. */
  readonly extensions: readonly Extension[];
}

/** Some clients send an extra CRLF after the body of the previous request; a proxy forwards it. */
const MAX_EMPTY_LINES = 4;

/**
 * Reads a request's head from chunks of any size. Up to 4 empty lines before it are ignored (RFC 9112
 * section 2.2).
 *
 * @example
 * ```ts
 * import { acceptResponse, checkUpgrade, ServerHandshake } from "@quickws/quickws/core";
 *
 * const handshake = new ServerHandshake();
 * const chunk = new TextEncoder().encode(
 *   "GET /chat HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
 *     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
 * );
 * if (handshake.push(chunk)) {
 *   const { key } = checkUpgrade(handshake.request);
 *   console.log(new TextDecoder().decode(acceptResponse({ key }))); // HTTP/1.1 101 ...
 * }
 * ```
 *
 * @category Handshake
 */
export class ServerHandshake {
  #reader: HttpHeadReader;
  #request: RequestHead | undefined;

  /**
   * Creates a handshake.
   *
   * @param limits The size limits. Throws a `RangeError` unless they are positive integers;
   *   `maxEmptyLines` may be 0.
   */
  constructor(limits?: HeadLimits) {
    const { maxBytes, maxLines, maxEmptyLines = MAX_EMPTY_LINES } = limits ?? {};
    this.#reader = new HttpHeadReader({ maxBytes, maxLines, maxEmptyLines });
  }

  /**
   * Takes the next bytes, and returns `true` once the head is complete.
   *
   * Throws a `HandshakeError` `HEAD_TOO_LARGE` (status 431) or `HEAD_MALFORMED` (400); send the
   * bytes of `errorResponse` for it and close the connection.
   */
  push(chunk: Uint8Array): boolean {
    if (!this.#reader.push(chunk)) return false;
    const { startLine, fields, rest } = this.#reader;
    this.#request = parseRequestHead(startLine, fields, rest);
    return true;
  }

  /** @internal Prepares for another request. */
  reset(): void {
    this.#reader.reset();
    this.#request = undefined;
  }

  /** The memory of the received part of the head, in bytes. */
  get held(): number {
    return this.#reader.held;
  }

  /** The head, once {@linkcode ServerHandshake.push} has returned `true`. */
  get request(): RequestHead {
    if (this.#request === undefined) throw new TypeError("The request's head is not complete yet");
    return this.#request;
  }
}

/**
 * Checks that a request is a legal opening handshake (RFC 6455 4.2.1).
 *
 * Throws a `HandshakeError` whose `status`, `headers` and `message` are the response, which
 * `errorResponse` encodes:
 *
 * | fault | code | status |
 * | --- | --- | --- |
 * | the method | `METHOD_NOT_ALLOWED` | 405 |
 * | the HTTP version | `HTTP_VERSION` | 505 |
 * | the Host field, or the host in the target | `HOST_INVALID` | 400 |
 * | a body is announced | `BODY_NOT_ALLOWED` | 400 |
 * | no `Upgrade: websocket` | `UPGRADE_MISSING` | 426 |
 * | no `Connection: Upgrade` | `CONNECTION_MISSING` | 400 |
 * | the key | `KEY_INVALID` | 400 |
 * | the version of WebSocket | `VERSION_UNSUPPORTED` | 426 |
 * | the target, subprotocols or extensions break the grammar | `HEAD_MALFORMED` | 400 |
 *
 * @example
 * ```ts
 * import { checkUpgrade, requestFrom } from "@quickws/quickws/core";
 *
 * const rawHeaders = ["Host", "a.example", "Upgrade", "websocket", "Connection", "Upgrade"];
 * const head = requestFrom({ method: "GET", target: "/", version: "HTTP/1.1", rawHeaders });
 * try {
 *   checkUpgrade(head);
 * } catch (error) {
 *   console.log(error); // HandshakeError: The header field Sec-WebSocket-Version must be 13
 * }
 * ```
 *
 * @category Handshake
 */
export function checkUpgrade(request: RequestHead): ServerRequest {
  const { fields } = request;
  // RFC 6455 4.2.1, item 1: a GET request of HTTP/1.1 with a path.
  if (request.method !== "GET") {
    throw refusal(
      "METHOD_NOT_ALLOWED",
      405,
      "A WebSocket opening handshake is a GET request",
      ["Allow", "GET"],
    );
  }
  if (request.version !== "HTTP/1.1") {
    throw refusal("HTTP_VERSION", 505, "A WebSocket opening handshake needs HTTP/1.1");
  }
  if (!isOriginForm(request.path)) {
    throw refusal("HEAD_MALFORMED", 400, "The request target is not a path");
  }
  // RFC 9112 3.2: exactly one Host line with a valid host; several lines form a list, which is
  // invalid. Item 2.
  const host = fields.get("host");
  const isValid = host !== null && isHost(request.host) &&
    (host === request.host || isHost(host));
  if (!isValid) {
    throw refusal("HOST_INVALID", 400, "The request must name its host in one Host header field");
  }
  // A body would be read as frames, or frames as a body.
  if ((fields.get("content-length") ?? "0") !== "0" || fields.has("transfer-encoding")) {
    throw refusal("BODY_NOT_ALLOWED", 400, "A WebSocket opening handshake has no body");
  }
  // Item 3.
  if (!request.isUpgrade) {
    throw upgradeRequired(
      "UPGRADE_MISSING",
      "This is a WebSocket endpoint: the header field Upgrade: websocket is missing",
    );
  }
  // Item 4.
  if (!fields.hasToken("connection", "upgrade")) {
    throw refusal("CONNECTION_MISSING", 400, "The header field Connection does not name Upgrade");
  }
  // Item 6. Before item 5, because another version may have a different kind of key.
  const version = fields.get("sec-websocket-version");
  if (version !== "13") {
    throw upgradeRequired(
      "VERSION_UNSUPPORTED",
      "The header field Sec-WebSocket-Version must be 13",
    );
  }
  // Item 5; RFC 6455 11.3.1: the key must not appear more than once; a list of keys is invalid.
  const key = fields.get("sec-websocket-key");
  if (key === null || !isValidKey(key)) {
    throw refusal(
      "KEY_INVALID",
      400,
      "Sec-WebSocket-Key must be present exactly once, with 16 bytes in base64",
    );
  }
  return {
    method: request.method,
    target: request.target,
    path: request.path,
    host: request.host,
    version: request.version,
    fields,
    isUpgrade: true,
    rest: request.rest,
    key,
    // Items 8 and 9.
    subprotocols: fields.has("sec-websocket-protocol")
      ? parseSubprotocols(fields.getAll("sec-websocket-protocol"))
      : NONE,
    extensions: fields.has("sec-websocket-extensions")
      ? parseExtensions(fields.getAll("sec-websocket-extensions"))
      : NONE,
  };
}

const NONE: readonly never[] = Object.freeze([]);

function refusal(
  code: ErrorCode,
  status: number,
  message: string,
  ...lines: [name: string, value: string][]
): HandshakeError {
  // Bytes after a rejected handshake are not read, so no request can be smuggled behind it.
  const headers = new HeaderFields([...lines, ["Connection", "close"]]);
  return new HandshakeError(code, message, { status, headers });
}

/** RFC 9110 15.5.22 requires Upgrade, RFC 6455 4.4 the supported version. */
function upgradeRequired(code: ErrorCode, message: string): HandshakeError {
  const headers = new HeaderFields([
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade, close"],
    ["Sec-WebSocket-Version", "13"],
  ]);
  return new HandshakeError(code, message, { status: 426, headers });
}
