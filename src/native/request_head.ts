// Converts a web Request to a request head for the opening handshake, and stores it for the
// connection.

import { HandshakeError, type HeaderView } from "../errors.ts";
import type { HandshakeInfo } from "../connection/connection_driver.ts";
import { isToken } from "../handshake/characters.ts";
import { HeaderFields, isReceivedValue } from "../handshake/header_fields.ts";
import { parseRequestHead, type RequestHead } from "../handshake/server.ts";
import type { PeerAddress } from "../server/client_address.ts";

const NO_BYTES = new Uint8Array(0);

/** The path of a URL, without its query. */
export function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const query = url.indexOf("?", start);
  return query === -1 ? url.slice(start) : url.slice(start, query);
}

/** The head of a request and its text. */
export interface ReadHead {
  readonly request: RequestHead;
  /** The URL of the WebSocket and the header fields, each followed by CRLF. */
  readonly text: string;
}

/**
 * Reads the head of a web request.
 *
 * @param url The URL of the WebSocket, the start of the text.
 * @throws {HandshakeError} When a header field breaks the grammar.
 */
export function readHead(request: Request, url: string): ReadHead {
  const { headers } = request;
  const parts: string[] = [url, "\r\n"];
  const add = (value: string, name: string): void => {
    if (!isToken(name) || !isReceivedValue(name, value)) throw malformed(name);
    parts.push(name, ": ", value, "\r\n");
  };
  headers.forEach(add);
  const authority = request.url.indexOf("://") + 3;
  const path = request.url.indexOf("/", authority);
  // The runtime took it from the Host field or the request line.
  if (!headers.has("host")) add(request.url.slice(authority, path), "host");
  // Joined, because concatenation would keep the parts in memory.
  const text = parts.join("");
  const fields = HeaderFields.fromParsed(text, url.length + 2);
  const line = `${request.method} ${request.url.slice(path)} HTTP/1.1`;
  return { request: parseRequestHead(line, fields, NO_BYTES), text };
}

function malformed(name: string): HandshakeError {
  const message = isToken(name)
    ? `The header field ${name} has an illegal character`
    : `${JSON.stringify(name)} is not a header field name`;
  return new HandshakeError("HEAD_MALFORMED", message, { status: 400 });
}

/**
 * The result of an opening handshake performed by the runtime. An open connection keeps a single
 * string; objects for its parts are created on demand.
 */
export class NativeHandshakeInfo implements HandshakeInfo {
  /** See {@linkcode ReadHead}. */
  readonly #text: string;
  readonly #address: string;
  readonly #port: number;
  #headers: HeaderView | undefined;
  /** The subprotocol, or the empty string. */
  readonly protocol: string;

  /**
   * @param text The text of the head.
   * @param protocol The subprotocol, or the empty string.
   * @param peer The client.
   */
  constructor(text: string, protocol: string, { remoteAddress, remotePort }: PeerAddress) {
    this.#text = text;
    this.protocol = protocol;
    this.#address = remoteAddress;
    this.#port = remotePort;
  }

  /** The URL of the request. */
  get url(): string {
    return this.#text.slice(0, this.#text.indexOf("\r"));
  }

  /** The status of the response. */
  get status(): number {
    return 101;
  }

  /** The header fields of the request. */
  get headers(): HeaderView {
    return this.#headers ??= HeaderFields.fromParsed(this.#text, this.#text.indexOf("\r") + 2);
  }

  /** The extensions: not reported by the runtimes. */
  get extensions(): string {
    return "";
  }

  /** The client's address. */
  get remoteAddress(): string {
    return this.#address;
  }

  /** The client's port. */
  get remotePort(): number {
    return this.#port;
  }
}
