// A tunnel through an HTTP proxy: the CONNECT method (RFC 9110 9.3.6).

import { ConnectionError } from "../errors.ts";
import { encodeBase64 } from "../handshake/base64.ts";
import { HttpHeadReader } from "../handshake/http_head.ts";
import { encodeHead } from "../handshake/outgoing.ts";
import {
  NOTHING,
  type ProxyCredentials,
  type ProxyDialogue,
  type ProxyTarget,
} from "./dialogue.ts";

/** Asks an HTTP proxy for a tunnel. */
export class HttpConnect implements ProxyDialogue {
  readonly #authority: string;
  readonly #credentials: ProxyCredentials | undefined;
  readonly #head = new HttpHeadReader();
  #done = false;

  /**
   * @param target Where the tunnel leads.
   * @param credentials What Basic authentication is given, if the proxy wants it (RFC 7617).
   */
  constructor(target: ProxyTarget, credentials?: ProxyCredentials) {
    const { hostname, port } = target;
    this.#authority = hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
    this.#credentials = credentials;
  }

  /** Whether the tunnel stands. */
  get done(): boolean {
    return this.#done;
  }

  /** What came behind the proxy's answer. */
  get rest(): Uint8Array {
    return this.#done ? this.#head.rest : NOTHING;
  }

  /** The request. It names the target, never the proxy. */
  begin(): Uint8Array {
    let head = `CONNECT ${this.#authority} HTTP/1.1\r\nHost: ${this.#authority}\r\n`;
    if (this.#credentials !== undefined) {
      const { username, password } = this.#credentials;
      const bytes = new TextEncoder().encode(`${username}:${password}`);
      head += `Proxy-Authorization: Basic ${encodeBase64(bytes)}\r\n`;
    }
    return encodeHead(head + "\r\n");
  }

  /** Takes the proxy's answer. */
  receive(chunk: Uint8Array): Uint8Array {
    let complete: boolean;
    try {
      complete = this.#head.push(chunk);
    } catch (cause) {
      throw new ConnectionError("PROXY_FAILED", "The proxy's answer is not HTTP", { cause });
    }
    if (complete) this.#check(this.#head.startLine);
    return NOTHING;
  }

  #check(statusLine: string): void {
    // RFC 9112 4: HTTP-version SP status-code SP [ reason-phrase ]. Any 2xx means the tunnel stands.
    const status = Number(statusLine.slice(9, 12));
    if (!statusLine.startsWith("HTTP/1.") || statusLine[8] !== " " || !(status >= 100)) {
      throw new ConnectionError("PROXY_FAILED", "The proxy's answer is not HTTP");
    }
    if (status < 200 || status > 299) {
      const hint = status === 407 ? ": it wants other credentials in the proxy's URL" : "";
      throw new ConnectionError(
        "PROXY_REFUSED",
        `The proxy answered ${statusLine.slice(9, 109)} to CONNECT ${this.#authority}${hint}`,
      );
    }
    this.#done = true;
  }
}
