// The negotiated values of an opening handshake, and the part of them that a connection keeps.

import type { HandshakeInfo } from "../connection/connection_driver.ts";
import type { Handlers } from "../connection/handlers.ts";
import { acceptDeflate, type DeflateAnswer } from "../handshake/deflate_offer.ts";
import { HeaderFields } from "../handshake/header_fields.ts";
import { AcceptResponse } from "../handshake/response.ts";
import { parseRequestHead, type ServerRequest } from "../handshake/server.ts";
import { chooseSubprotocol } from "../handshake/subprotocols.ts";
import { headerLines } from "../shared/check.ts";
import type { Transport } from "../transport/transport.ts";
import type { ServeRules } from "./serve_options.ts";
import { type UpgradeAcceptance, urlOf } from "./upgrade_hook.ts";

const NO_BYTES = new Uint8Array(0);

/**
 * The result of an opening handshake. A connection keeps the text of the request's head; the URL
 * and the header fields are created on first use.
 */
export class RequestInfo implements HandshakeInfo {
  readonly #head: string;
  readonly #isSecure: boolean;
  #url: string | undefined;
  #headers: HeaderFields | undefined;
  /** The subprotocol, or the empty string. */
  readonly protocol: string;
  /** The extensions in use, or the empty string. */
  readonly extensions: string;

  /**
   * @param head The text of the request's head.
   * @param isSecure Whether the URL is `wss:`.
   * @param protocol The subprotocol, or the empty string.
   * @param extensions The extensions in use, or the empty string.
   */
  constructor(head: string, isSecure: boolean, protocol: string, extensions: string) {
    this.#head = head;
    this.#isSecure = isSecure;
    this.protocol = protocol;
    this.extensions = extensions;
  }

  /** The URL of the request. */
  get url(): string {
    return this.#url ??= this.#readUrl();
  }

  #readUrl(): string {
    const line = this.#head.slice(0, this.#head.indexOf("\r"));
    return urlOf(parseRequestHead(line, this.headers, NO_BYTES), this.#isSecure);
  }

  /** The status of the response. */
  get status(): number {
    return 101;
  }

  /** The header fields of the request. */
  get headers(): HeaderFields {
    return this.#headers ??= HeaderFields.fromParsed(this.#head, this.#head.indexOf("\r") + 2);
  }
}

/** The result of an accepted request. */
export interface Negotiated {
  /** The result of the handshake, or the request's head without TLS, subprotocol and extensions. */
  readonly handshake: RequestInfo | string;
  /** The 101 response. */
  readonly response: AcceptResponse;
  /** The negotiated compression, if any. */
  readonly deflate: DeflateAnswer | undefined;
}

/**
 * Chooses the subprotocol and the extensions.
 *
 * @param isSecure Whether the URL is `wss:`.
 * @throws {TypeError} When the decision cannot be sent in a response.
 */
export function negotiate<T>(
  request: ServerRequest,
  decision: UpgradeAcceptance<T>,
  rules: ServeRules<T>,
  isSecure: boolean,
): Negotiated {
  const { key, subprotocols, fields } = request;
  const { compression } = rules.connection;
  const subprotocol = decision.subprotocol ?? chooseSubprotocol(rules.subprotocols, subprotocols);
  const deflate = compression && acceptDeflate(request.extensions, compression);
  const extensions = deflate?.extensions;
  const headers = headerLines(decision.headers);
  const isPlain = !isSecure && subprotocol === undefined && extensions === undefined;
  return {
    handshake: isPlain
      ? fields.text
      : new RequestInfo(fields.text, isSecure, subprotocol ?? "", extensions ?? ""),
    response: new AcceptResponse({ key, subprotocol, subprotocols, extensions, headers }),
    deflate,
  };
}

/** An accepted request, with all values for the connection. */
export interface Accepted<T> {
  /** The stream. */
  readonly transport: Transport;
  /** The result of the handshake. */
  readonly negotiated: Negotiated;
  /** The 101 response, not sent yet. */
  readonly response: AcceptResponse;
  /** The initial value of `connection.data`. */
  readonly data: T | undefined;
  /** Handlers of this connection. */
  readonly handlers: Handlers<T> | undefined;
  /** Called when the connection has closed. */
  readonly release: (() => unknown) | undefined;
  /** The bytes after the request. */
  readonly rest: readonly Uint8Array[];
  /** Whether the peer has already ended its side of the stream. */
  readonly ended: boolean;
}
