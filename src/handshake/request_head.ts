/* The head of a request as a server sees it, whether it is to become a WebSocket or not. */

import { HandshakeError } from "../errors.ts";
import { consistsOf, DIGIT, equalsIgnoringCase, isToken, VISIBLE } from "./characters.ts";
import { HeaderFields, isReceivedValue } from "./header_fields.ts";

/**
 * The head of a request, of any kind.
 *
 * @category Handshake
 */
export interface RequestHead {
  /** The method, say `GET`. */
  readonly method: string;
  /** The request target as it was sent. */
  readonly target: string;
  /**
   * The path and query of the target; the target itself where it has none (`*`). A URL is made by
   * putting `http://`, host and path together, not by resolving: a path may begin with `//`.
   */
  readonly path: string;
  /** The host, with its port if one was sent: the target's, or the Host field's, or empty. */
  readonly host: string;
  /** The version, say `HTTP/1.1`. */
  readonly version: string;
  /** The header fields. */
  readonly fields: HeaderFields;
  /** Whether the request asks for WebSocket; if not, it is plain HTTP. */
  readonly isUpgrade: boolean;
  /** The bytes that came behind the head. They are no frames before we have answered with 101. */
  readonly rest: Uint8Array;
}

/**
 * A request as another HTTP implementation has taken it apart.
 *
 * @category Handshake
 */
export interface ParsedRequest {
  /** The method. */
  method: string;
  /** The request target. */
  target: string;
  /** The version, say `HTTP/1.1`. */
  version: string;
  /** Names and values of the header field lines in turn, like `rawHeaders` of `node:http`. */
  rawHeaders: readonly string[];
  /** The bytes that came behind the head. Default: none. */
  rest?: Uint8Array;
}

/**
 * The head of a request that another HTTP implementation has read.
 *
 * Throws a `HandshakeError` `HEAD_MALFORMED` (400) for what {@linkcode ServerHandshake} would not
 * have let pass, such as control characters.
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
  const lines: [name: string, value: string][] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const [name, value] = [rawHeaders[i], rawHeaders[i + 1]];
    if (!isToken(name)) {
      throw malformed(`${JSON.stringify(name)} is not a header field name`);
    }
    if (!isReceivedValue(name, value)) {
      throw malformed(`The header field ${name} has an illegal character`);
    }
    lines.push([name, value]);
  }
  return requestHead(method, target, version, HeaderFields.fromLines(lines), rest);
}

/**
 * The head of a request from its request line and its fields. Throws a `HandshakeError`
 * `HEAD_MALFORMED` (400) where the request line breaks the grammar.
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
  // RFC 9112 3.2.2: a server takes the absolute form too, and then the Host field does not count.
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

/** Where the authority of an absolute form begins, or -1 if `target` is of another form. */
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
