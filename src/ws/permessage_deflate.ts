// Negotiates permessage-deflate with the names and rules of `ws`; the connection compresses.

import type { DeflateAgreement } from "../handshake/deflate_offer.ts";
import type { ExtensionParameters } from "./headers.ts";

/**
 * The option `perMessageDeflate` of `ws`.
 *
 * @category The API of ws
 */
export interface PerMessageDeflateOptions {
  /**
   * Whether the server compresses messages independently. Default: only if the client requests it.
   */
  serverNoContextTakeover?: boolean | undefined;
  /** The same for the client's messages. */
  clientNoContextTakeover?: boolean | undefined;
  /** The base-2 logarithm of the window size of the server's messages: 8 to 15. Default: 15. */
  serverMaxWindowBits?: number | boolean | undefined;
  /** The same for the client's messages; `true` lets the server choose. Default: 15. */
  clientMaxWindowBits?: number | boolean | undefined;
  /**
   * Only `level` has an effect: up to 3 fast, from 7 thorough, otherwise chosen by message size.
   */
  zlibDeflateOptions?: { level?: number | undefined; [name: string]: unknown } | undefined;
  /** Accepted without effect: the library has its own codec. */
  zlibInflateOptions?: { [name: string]: unknown } | undefined;
  /**
   * Messages smaller than this many bytes are not compressed without context takeover. Default:
   * 1024.
   */
  threshold?: number | undefined;
  /** Accepted without effect: compression uses no other threads. */
  concurrencyLimit?: number | undefined;
}

/**
 * The negotiated parameters, under their names in the header field.
 *
 * @category The API of ws
 */
export interface PerMessageDeflateParameters {
  /** Whether the server compresses messages independently. */
  "server_no_context_takeover"?: true;
  /** Whether the client does. */
  "client_no_context_takeover"?: true;
  /** The window bits of the server's messages. */
  "server_max_window_bits"?: number;
  /** The window bits of the client's messages; `true` lets the server choose. */
  "client_max_window_bits"?: number | true;
}

/**
 * The options of a {@linkcode PerMessageDeflate}.
 *
 * @category The API of ws
 */
export interface PerMessageDeflateSettings extends PerMessageDeflateOptions {
  /** Whether this is the server side. Default: `false`. */
  isServer?: boolean | undefined;
  /** The maximum message size; not used for the negotiation. */
  maxPayload?: number | undefined;
}

/**
 * The negotiation of permessage-deflate on one connection.
 *
 * @example
 * ```ts
 * import { extension, PerMessageDeflate } from "@quickws/quickws/ws";
 *
 * const offers = extension.parse("permessage-deflate; client_max_window_bits");
 * const deflate = new PerMessageDeflate({ isServer: true, clientMaxWindowBits: 10 });
 * console.log(deflate.accept(offers["permessage-deflate"])); // { client_max_window_bits: 10 }
 * ```
 *
 * @category The API of ws
 */
export class PerMessageDeflate {
  readonly #options: PerMessageDeflateSettings;
  /** The negotiated parameters, once {@linkcode PerMessageDeflate.accept} was called. */
  params: PerMessageDeflateParameters | null = null;

  /**
   * Creates a negotiation.
   *
   * @param options The configuration to negotiate.
   */
  constructor(options: PerMessageDeflateSettings = {}) {
    this.#options = options;
  }

  /** The name of the extension: `permessage-deflate`. */
  static get extensionName(): string {
    return "permessage-deflate";
  }

  /** The parameters offered by a client. */
  offer(): Record<string, number | true> {
    const options = this.#options;
    const params: Record<string, number | true> = {};
    if (options.serverNoContextTakeover) params.server_no_context_takeover = true;
    if (options.clientNoContextTakeover) params.client_no_context_takeover = true;
    if (options.serverMaxWindowBits) params.server_max_window_bits = options.serverMaxWindowBits;
    const bits = options.clientMaxWindowBits ?? true;
    if (bits) params.client_max_window_bits = bits;
    return params;
  }

  /**
   * Accepts the first suitable offer of a client, or a server's response.
   *
   * @throws {Error} When no offer is suitable, or a parameter is unknown or out of range.
   */
  accept(configurations: readonly ExtensionParameters[]): PerMessageDeflateParameters {
    const { isServer = false } = this.#options;
    const read = configurations.map((parameters) => readParameters(parameters, isServer));
    return this.params = isServer ? this.#answer(read) : this.#agree(read[0]!);
  }

  /** Does nothing: the connection releases its compression. */
  cleanup(): void {}

  #answer(offers: PerMessageDeflateParameters[]): PerMessageDeflateParameters {
    const { serverMaxWindowBits: server, clientMaxWindowBits: client, ...options } = this.#options;
    const offer = offers.find((offer) => {
      if (options.serverNoContextTakeover === false && offer.server_no_context_takeover) {
        return false;
      }
      const bits = offer.server_max_window_bits;
      if (bits !== undefined && (server === false || Number(server ?? 0) > bits)) return false;
      return typeof client !== "number" || offer.client_max_window_bits !== undefined;
    });
    if (offer === undefined) throw new Error("None of the extension offers can be accepted");
    if (options.serverNoContextTakeover) offer.server_no_context_takeover = true;
    if (options.clientNoContextTakeover) offer.client_no_context_takeover = true;
    if (typeof server === "number") offer.server_max_window_bits = server;
    if (typeof client === "number") offer.client_max_window_bits = client;
    else if (offer.client_max_window_bits === true || client === false) {
      delete offer.client_max_window_bits;
    }
    return offer;
  }

  #agree(answer: PerMessageDeflateParameters): PerMessageDeflateParameters {
    const { clientNoContextTakeover, clientMaxWindowBits: most } = this.#options;
    if (clientNoContextTakeover === false && answer.client_no_context_takeover) {
      throw new Error('Unexpected parameter "client_no_context_takeover"');
    }
    const bits = answer.client_max_window_bits;
    if (bits === undefined) {
      if (typeof most === "number") answer.client_max_window_bits = most;
    } else if (most === false || (typeof most === "number" && Number(bits) > most)) {
      throw new Error('Unexpected or invalid parameter "client_max_window_bits"');
    }
    return answer;
  }
}

function readParameters(
  parameters: ExtensionParameters,
  isServer: boolean,
): PerMessageDeflateParameters {
  const read: PerMessageDeflateParameters = {};
  for (const [name, values] of Object.entries(parameters)) {
    if (values.length > 1) throw new Error(`Parameter "${name}" must have only a single value`);
    const value = values[0]!;
    if (name === "server_no_context_takeover" || name === "client_no_context_takeover") {
      if (value !== true) throw invalid(name, value);
      read[name] = true;
    } else if (name === "server_max_window_bits") {
      read[name] = windowBits(name, value);
    } else if (name === "client_max_window_bits") {
      // RFC 7692 7.1.2.2: only an offer may omit the number.
      read[name] = value === true && isServer ? true : windowBits(name, value);
    } else {
      throw new Error(`Unknown parameter "${name}"`);
    }
  }
  return read;
}

function windowBits(name: string, value: string | true): number {
  const bits = Number(value);
  if (value === true || !Number.isInteger(bits) || bits < 8 || bits > 15) {
    throw invalid(name, value);
  }
  return bits;
}

function invalid(name: string, value: string | true): TypeError {
  return new TypeError(`Invalid value for parameter "${name}": ${value}`);
}

/** The parameters by direction of a connection. */
export function agreementOf(
  params: PerMessageDeflateParameters,
  isServer: boolean,
): DeflateAgreement {
  const server = {
    takeover: params.server_no_context_takeover !== true,
    windowBits: params.server_max_window_bits ?? 15,
  };
  const bits = params.client_max_window_bits;
  const client = {
    takeover: params.client_no_context_takeover !== true,
    windowBits: typeof bits === "number" ? bits : 15,
  };
  return isServer ? { inbound: client, outbound: server } : { inbound: server, outbound: client };
}
