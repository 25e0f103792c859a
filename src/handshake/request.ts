/* The client's opening handshake request (RFC 6455 4.1, items 1 to 12). */

import { isValidKey } from "./accept_key.ts";
import { assertFieldValue } from "./header_fields.ts";
import {
  encodeHead,
  type FieldLines,
  formatFields,
  isHost,
  isOriginForm,
  userFields,
} from "./outgoing.ts";
import { assertSubprotocols } from "./subprotocols.ts";

/**
 * The options of {@linkcode buildRequest}.
 *
 * @category Handshake
 */
export interface RequestOptions {
  /** The value of the Host field: with the port unless it is the scheme's default. */
  host: string;
  /** Path and query, such as `/chat?room=1`. */
  target: string;
  /** The key, from `encodeKey` and 16 random bytes, new for every connection. */
  key: string;
  /** The requested subprotocols, the most preferred first. Default: none. */
  subprotocols?: readonly string[];
  /** The value of `Sec-WebSocket-Extensions`. Default: nothing is offered. */
  extensions?: string;
  /** The value of `Origin`. Default: none is sent. */
  origin?: string;
  /** Additional header fields. */
  headers?: FieldLines;
}

const HANDSHAKE_SETS = "the opening handshake sets it";
const NO_BODY = "an opening handshake has no body";

const RESERVED: ReadonlyMap<string, string> = new Map([
  ["host", "the URL sets it"],
  ["upgrade", HANDSHAKE_SETS],
  ["connection", HANDSHAKE_SETS],
  ["sec-websocket-key", HANDSHAKE_SETS],
  ["sec-websocket-version", HANDSHAKE_SETS],
  ["sec-websocket-accept", "only a server sends it"],
  ["sec-websocket-protocol", "use the option subprotocols"],
  ["sec-websocket-extensions", "use the option compression"],
  ["origin", "use the option origin"],
  ["content-length", NO_BODY],
  ["transfer-encoding", NO_BODY],
  ["te", NO_BODY],
  ["trailer", NO_BODY],
  ["expect", NO_BODY],
  ["keep-alive", "the connection is not kept for another request"],
]);

/**
 * Encodes the request that opens a WebSocket.
 *
 * Throws a `TypeError` that names the option if a value contains illegal characters (CR, LF, NUL or
 * others beyond visible ASCII) or is invalid, or if `headers` has a field that the handshake or
 * another option sets.
 *
 * @example
 * ```ts
 * import { buildRequest, encodeKey } from "@quickws/quickws/core";
 *
 * const key = encodeKey(crypto.getRandomValues(new Uint8Array(16)));
 * const bytes = buildRequest({ host: "a.example:8080", target: "/chat", key });
 * console.log(new TextDecoder().decode(bytes)); // GET /chat HTTP/1.1 ...
 * ```
 *
 * @category Handshake
 */
export function buildRequest(options: RequestOptions): Uint8Array {
  const { host, target, key, subprotocols, extensions, origin } = options;
  if (!isOriginForm(target)) {
    throw new TypeError(
      `target is ${
        JSON.stringify(target)
      }: it must begin with "/" and be visible ASCII without "#"`,
    );
  }
  if (!isHost(host)) {
    throw new TypeError(`host is ${JSON.stringify(host)}: it must be a host, or a host:port`);
  }
  if (!isValidKey(key)) {
    throw new TypeError(`key is ${JSON.stringify(key)}: it must be 16 bytes in base64`);
  }
  let head = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\n` +
    `Connection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n`;
  if (origin !== undefined) {
    assertFieldValue("Origin", origin);
    head += `Origin: ${origin}\r\n`;
  }
  if (subprotocols !== undefined && subprotocols.length > 0) {
    assertSubprotocols(subprotocols);
    head += `Sec-WebSocket-Protocol: ${subprotocols.join(", ")}\r\n`;
  }
  if (extensions !== undefined && extensions !== "") {
    assertFieldValue("Sec-WebSocket-Extensions", extensions);
    head += `Sec-WebSocket-Extensions: ${extensions}\r\n`;
  }
  if (options.headers !== undefined) head += formatFields(userFields(options.headers, RESERVED));
  return encodeHead(head + "\r\n");
}
