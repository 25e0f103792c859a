// A tunnel through an HTTP proxy: the CONNECT method (RFC 9110 9.3.6).

import { ConnectionError, HandshakeError } from "../errors.ts";
import { encodeBase64 } from "../handshake/accept_key.ts";
import { MAX_INTERIM_RESPONSES } from "../handshake/client.ts";
import { HttpHeadReader, parseStatusLine, quoted } from "../handshake/http_head.ts";
import { encodeHead } from "../handshake/outgoing.ts";
import {
  authorityOf,
  NOTHING,
  type ProxyCredentials,
  type ProxyDialogue,
  type ProxyTarget,
} from "./dialogue.ts";

/** Requests a tunnel from an HTTP proxy. */
export class HttpConnect implements ProxyDialogue {
  readonly #authority: string;
  readonly #authorization: string | undefined;
  #reader = new HttpHeadReader();
  #interimResponses = 0;
  #done = false;

  /**
   * @param target The target of the tunnel.
   * @param credentials The credentials for Basic authentication, sent without a challenge.
   * @throws {TypeError | RangeError} When the target or the credentials are invalid.
   */
  constructor(target: ProxyTarget, credentials?: ProxyCredentials) {
    this.#authority = authorityOf(target);
    this.#authorization = credentials && basicCredentials(credentials);
  }

  /** Whether the tunnel is established. */
  get done(): boolean {
    return this.#done;
  }

  /** The bytes after the proxy's response. */
  get rest(): Uint8Array {
    return this.#done ? this.#reader.rest : NOTHING;
  }

  /** Encodes the request, which names the target, not the proxy. */
  begin(): Uint8Array {
    let head = `CONNECT ${this.#authority} HTTP/1.1\r\nHost: ${this.#authority}\r\n`;
    if (this.#authorization !== undefined) {
      head += `Proxy-Authorization: ${this.#authorization}\r\n`;
    }
    return encodeHead(head + "\r\n");
  }

  /** Takes the proxy's response. */
  receive(chunk: Uint8Array): Uint8Array {
    let input = chunk;
    while (this.#readHead(input)) {
      if (this.#check(this.#reader.startLine)) {
        this.#done = true;
        break;
      }
      input = this.#reader.rest;
      this.#reader = new HttpHeadReader();
    }
    return NOTHING;
  }

  #readHead(chunk: Uint8Array): boolean {
    try {
      return this.#reader.push(chunk);
    } catch (cause) {
      if (!(cause instanceof HandshakeError)) throw cause;
      throw failed(`cannot be used: ${cause.message}`, cause);
    }
  }

  /** Whether the tunnel is established; `false` if this response is not the final one. */
  #check(statusLine: string): boolean {
    const line = parseStatusLine(statusLine);
    if (line === undefined) throw failed("does not begin with a status line");
    const { status, reason } = line;
    // RFC 9110 9.3.6: after any 2xx the tunnel begins right after the head, regardless of fields
    // about a body.
    if (status >= 200 && status < 300) return true;
    // RFC 9110 15.2: interim responses may precede the final one, except 101, which was not
    // requested.
    if (status < 200 && status !== 101) {
      if (++this.#interimResponses <= MAX_INTERIM_RESPONSES) return false;
      throw failed(`is missing after more than ${MAX_INTERIM_RESPONSES} interim responses`);
    }
    const words = `${status} ${quoted(reason)}`.trimEnd();
    throw new ConnectionError(
      "PROXY_REFUSED",
      `The proxy answered ${words} to CONNECT ${this.#authority}${this.#hint(status)}`,
    );
  }

  #hint(status: number): string {
    // Some proxies respond with 401 instead of the 407 of RFC 9110 15.5.8.
    if (status !== 407 && status !== 401) return "";
    return this.#authorization === undefined
      ? ": it requires a user name and a password, but its URL has none"
      : ": it rejects the user name and password of its URL";
  }
}

/**
 * Encodes a Proxy-Authorization value: Basic credentials (RFC 7617) in UTF-8.
 *
 * @throws {TypeError} When the user or the password cannot be encoded.
 */
export function basicCredentials({ username, password }: ProxyCredentials): string {
  // RFC 7617 section 2: a user must not contain a colon; the rest would be part of the password.
  if (username.includes(":")) {
    throw new TypeError("The user name of an HTTP proxy must not contain a colon");
  }
  const text = `${username}:${password}`;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    // RFC 7617 section 2: neither may contain control characters.
    if (code < 0x20 || code === 0x7f) {
      throw new TypeError(
        "The user and password of an HTTP proxy must not contain control characters",
      );
    }
  }
  return `Basic ${encodeBase64(new TextEncoder().encode(text))}`;
}

function failed(how: string, cause?: Error): ConnectionError {
  return new ConnectionError("PROXY_FAILED", `The response of the HTTP proxy ${how}`, { cause });
}
