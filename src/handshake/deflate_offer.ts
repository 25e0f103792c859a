/*
 * Negotiation of permessage-deflate (RFC 7692 7.1). Only this file maps "client" and "server"
 * parameters to inbound and outbound messages; the codec does not know its side.
 */

import { HandshakeError } from "../errors.ts";
import { type Extension, formatExtensions } from "./extensions.ts";

/**
 * The name of the extension (RFC 7692 section 7).
 *
 * @category Compression
 */
export const PERMESSAGE_DEFLATE = "permessage-deflate";

const SERVER_NO_TAKEOVER = "server_no_context_takeover";
const CLIENT_NO_TAKEOVER = "client_no_context_takeover";
const SERVER_BITS = "server_max_window_bits";
const CLIENT_BITS = "client_max_window_bits";

/** RFC 7692 7.1.2: windows have 2 ** 8 to 2 ** 15 bytes. */
const MIN_BITS = 8;
const MAX_BITS = 15;

/**
 * The configuration of permessage-deflate on one side.
 *
 * @category Compression
 */
export interface DeflateConfig {
  /** Whether the server may keep its context between messages. */
  readonly serverContextTakeover: boolean;
  /** Whether the client may keep its context. */
  readonly clientContextTakeover: boolean;
  /** The base-2 logarithm of the maximum window size of the server's messages. */
  readonly serverMaxWindowBits: number;
  /** The same for the client's messages. */
  readonly clientMaxWindowBits: number;
  /** Whether the local compressor cannot use a smaller window. Default: `false`. */
  readonly hasFixedWindow?: boolean;
}

/**
 * The parameters of the messages of one direction.
 *
 * @category Compression
 */
export interface DeflateDirection {
  /** Whether a message may refer to earlier ones. */
  readonly takeover: boolean;
  /** The base-2 logarithm of the window size in bytes. */
  readonly windowBits: number;
}

/**
 * The negotiated parameters.
 *
 * @category Compression
 */
export interface DeflateAgreement {
  /** The parameters of received messages. */
  readonly inbound: DeflateDirection;
  /** The parameters of sent messages. */
  readonly outbound: DeflateDirection;
}

/**
 * A server's response to an offer.
 *
 * @category Compression
 */
export interface DeflateAnswer {
  /** The negotiated parameters. */
  readonly agreement: DeflateAgreement;
  /** The value of `Sec-WebSocket-Extensions`. */
  readonly extensions: string;
}

/** The parameters of one offer or response; window bits are 0 if missing. */
interface Parameters {
  serverNoTakeover: boolean;
  clientNoTakeover: boolean;
  serverBits: number;
  clientBits: number;
  /** Whether `client_max_window_bits` is present, with or without a value. */
  clientBitsNamed: boolean;
}

/**
 * Answers a client's offers on a server (RFC 7692 section 5.1): accepts the first legal one, and
 * ignores others and unknown extensions.
 *
 * @param offers The client's offers, the most preferred first.
 * @param config The server's configuration.
 * @returns The response, or `undefined` when no offer is accepted.
 *
 * @example
 * ```ts
 * import { acceptDeflate, parseExtensions } from "@quickws/quickws/core";
 *
 * const answer = acceptDeflate(parseExtensions(["permessage-deflate; client_max_window_bits"]), {
 *   serverContextTakeover: false,
 *   clientContextTakeover: false,
 *   serverMaxWindowBits: 15,
 *   clientMaxWindowBits: 15,
 * });
 * console.log(answer?.agreement.outbound); // { takeover: false, windowBits: 15 }
 * ```
 *
 * @category Compression
 */
export function acceptDeflate(
  offers: readonly Extension[],
  config: DeflateConfig,
): DeflateAnswer | undefined {
  for (const offer of offers) {
    if (offer.name !== PERMESSAGE_DEFLATE) continue;
    const offered = readParameters(offer, true);
    // RFC 7692 7.1: declines an invalid offer and considers the next one.
    if (typeof offered === "string") continue;
    // RFC 7692 7.1.2.1: a server that cannot limit the window declines an offer that requests it.
    if (config.hasFixedWindow && offered.serverBits > 0 && offered.serverBits < MAX_BITS) continue;
    return answerTo(offered, config);
  }
  return undefined;
}

function answerTo(offered: Parameters, config: DeflateConfig): DeflateAnswer {
  const serverBits = Math.min(config.serverMaxWindowBits, offered.serverBits || MAX_BITS);
  // RFC 7692 7.1.2.2: a server must not limit the window of a client that has not offered it.
  const clientBits = offered.clientBitsNamed
    ? Math.min(config.clientMaxWindowBits, offered.clientBits || MAX_BITS)
    : MAX_BITS;
  const serverTakeover = config.serverContextTakeover && !offered.serverNoTakeover;
  // Disabling takeover also limits the memory for a client without support for window bits.
  const clientTakeover = config.clientContextTakeover && !offered.clientNoTakeover &&
    clientBits <= config.clientMaxWindowBits;
  const parameters: string[] = [];
  if (!serverTakeover) parameters.push(SERVER_NO_TAKEOVER);
  if (!clientTakeover) parameters.push(CLIENT_NO_TAKEOVER);
  if (serverBits < MAX_BITS || offered.serverBits > 0) {
    parameters.push(`${SERVER_BITS}=${serverBits}`);
  }
  if (offered.clientBitsNamed && clientBits < MAX_BITS) {
    parameters.push(`${CLIENT_BITS}=${clientBits}`);
  }
  return {
    agreement: {
      inbound: { takeover: clientTakeover, windowBits: clientBits },
      outbound: { takeover: serverTakeover, windowBits: serverBits },
    },
    extensions: [PERMESSAGE_DEFLATE, ...parameters].join("; "),
  };
}

/**
 * The offer of a client with this configuration: the value of `Sec-WebSocket-Extensions`.
 *
 * @example
 * ```ts
 * import { offerDeflate } from "@quickws/quickws/core";
 *
 * const offer = offerDeflate({
 *   serverContextTakeover: true,
 *   clientContextTakeover: true,
 *   serverMaxWindowBits: 15,
 *   clientMaxWindowBits: 10,
 * });
 * console.log(offer); // permessage-deflate; client_max_window_bits=10
 * ```
 *
 * @category Compression
 */
export function offerDeflate(config: DeflateConfig): string {
  const { serverMaxWindowBits, clientMaxWindowBits } = config;
  const parameters: string[] = [];
  if (!config.serverContextTakeover) parameters.push(SERVER_NO_TAKEOVER);
  if (!config.clientContextTakeover) parameters.push(CLIENT_NO_TAKEOVER);
  if (serverMaxWindowBits < MAX_BITS) parameters.push(`${SERVER_BITS}=${serverMaxWindowBits}`);
  // Always offered, so that the server may choose a smaller window for the client's messages.
  if (!config.hasFixedWindow) {
    parameters.push(
      clientMaxWindowBits < MAX_BITS ? `${CLIENT_BITS}=${clientMaxWindowBits}` : CLIENT_BITS,
    );
  }
  return [PERMESSAGE_DEFLATE, ...parameters].join("; ");
}

/**
 * Checks a server's response on a client (RFC 7692 section 5.2). Any legal response is accepted,
 * even if it does not honor the whole offer: a server that keeps its context or uses a larger
 * window (Tornado, Jetty and libwebsockets support neither parameter) only costs memory.
 *
 * @param accepted The extensions of the response.
 * @param config The offer.
 * @returns The negotiated parameters, or `undefined` when the server did not accept the offer.
 * @throws {HandshakeError} `EXTENSION_UNEXPECTED` when the response is not legal.
 *
 * @example
 * ```ts
 * import { checkDeflateAnswer, parseExtensions } from "@quickws/quickws/core";
 *
 * const offered = {
 *   serverContextTakeover: true,
 *   clientContextTakeover: true,
 *   serverMaxWindowBits: 15,
 *   clientMaxWindowBits: 15,
 * };
 * const answer = parseExtensions(["permessage-deflate; client_max_window_bits=12"]);
 * console.log(checkDeflateAnswer(answer, offered)?.outbound); // { takeover: true, windowBits: 12 }
 * ```
 *
 * @category Compression
 */
export function checkDeflateAnswer(
  accepted: readonly Extension[],
  config: DeflateConfig,
): DeflateAgreement | undefined {
  const answer = accepted.find(({ name }) => name === PERMESSAGE_DEFLATE);
  if (answer === undefined) return undefined;
  const answered = readParameters(answer, false);
  if (typeof answered === "string") throw unexpected(answer, answered);
  // RFC 7692 7.1.2.2: a server must not limit the window of a client that has not offered it.
  if (config.hasFixedWindow && answered.clientBitsNamed && answered.clientBits < MAX_BITS) {
    throw unexpected(answer, `${CLIENT_BITS} was not offered`);
  }
  return {
    inbound: {
      takeover: !answered.serverNoTakeover,
      windowBits: answered.serverBits || MAX_BITS,
    },
    outbound: {
      takeover: config.clientContextTakeover && !answered.clientNoTakeover,
      // The client may always choose a smaller window than the server allows.
      windowBits: Math.min(answered.clientBits || MAX_BITS, config.clientMaxWindowBits),
    },
  };
}

function unexpected(answer: Extension, what: string): HandshakeError {
  return new HandshakeError(
    "EXTENSION_UNEXPECTED",
    `The server's response "${formatExtensions([answer]).slice(0, 200)}" is not legal: ${what}`,
  );
}

/** Reads the parameters; a string describes the fault. */
function readParameters(extension: Extension, isOffer: boolean): Parameters | string {
  const read: Parameters = {
    serverNoTakeover: false,
    clientNoTakeover: false,
    serverBits: 0,
    clientBits: 0,
    clientBitsNamed: false,
  };
  const seen: string[] = [];
  for (const { name, value, quoted } of extension.parameters) {
    // RFC 7692 7.1: "multiple extension parameters with the same name" are not allowed.
    if (seen.includes(name)) return `${name} appears twice`;
    seen.push(name);
    // RFC 7692 7.1.2: the ABNF of the values is 1*DIGIT, without quotes.
    if (quoted) return `the value of ${name} is quoted`;
    const problem = readParameter(read, name, value, isOffer);
    if (problem !== undefined) return problem;
  }
  return read;
}

function readParameter(
  read: Parameters,
  name: string,
  value: string | undefined,
  isOffer: boolean,
): string | undefined {
  if (name === SERVER_NO_TAKEOVER || name === CLIENT_NO_TAKEOVER) {
    // RFC 7692 7.1.1: these parameters have no value.
    if (value !== undefined) return `${name} has a value`;
    if (name === SERVER_NO_TAKEOVER) read.serverNoTakeover = true;
    else read.clientNoTakeover = true;
    return undefined;
  }
  if (name !== SERVER_BITS && name !== CLIENT_BITS) return "it has an unknown parameter";
  // RFC 7692 7.1.2.2: only a client may send its own window parameter without a value.
  const bits = value === undefined && name === CLIENT_BITS && isOffer ? 0 : parseBits(value);
  if (bits === undefined) return `${name} is not a number from ${MIN_BITS} to ${MAX_BITS}`;
  if (name === SERVER_BITS) read.serverBits = bits;
  else {
    read.clientBits = bits;
    read.clientBitsNamed = true;
  }
  return undefined;
}

/** RFC 7692 7.1.2: "a decimal integer value without leading zeroes between 8 to 15". */
function parseBits(value: string | undefined): number | undefined {
  for (let bits = MIN_BITS; bits <= MAX_BITS; bits++) {
    if (value === String(bits)) return bits;
  }
  return undefined;
}
