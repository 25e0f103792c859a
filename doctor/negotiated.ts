// Checks a server's choice among the offers (RFC 6455 4.1, 9.1; RFC 7692 5, 7).

import {
  checkDeflateAnswer,
  type DeflateAgreement,
  type DeflateConfig,
  type Extension,
  HandshakeError,
  type HeaderFields,
  parseExtensions,
  PERMESSAGE_DEFLATE,
} from "@quickws/quickws/core";
import type { DeflateOffer } from "./case.ts";

/** The value of `Sec-WebSocket-Extensions` for an offer. */
export function formatOffers(offers: readonly DeflateOffer[]): string {
  return offers.map(({ noContextTakeover, maxWindowBits }) =>
    [
      PERMESSAGE_DEFLATE,
      "client_max_window_bits",
      ...(noContextTakeover ? ["server_no_context_takeover"] : []),
      ...(maxWindowBits > 0 ? [`server_max_window_bits=${maxWindowBits}`] : []),
    ].join("; ")
  ).join(", ");
}

function parameter(
  extension: Extension,
  name: string,
): Extension["parameters"][number] | undefined {
  return extension.parameters.find((one) => one.name === name);
}

function bitsOf(extension: Extension, name: string): number {
  return Number(parameter(extension, name)?.value ?? 15);
}

/** The requested parameters that the response lacks (RFC 7692 7.1.1.1, 7.1.2.1). */
function unmetParameter(offer: Extension, answer: Extension): string | undefined {
  const takeover = "server_no_context_takeover";
  if (parameter(offer, takeover) !== undefined && parameter(answer, takeover) === undefined) {
    return takeover;
  }
  const window = "server_max_window_bits";
  return bitsOf(answer, window) > bitsOf(offer, window) ? window : undefined;
}

/** The parameters of a legal offer, which the response must match. */
function configOf(offer: Extension): DeflateConfig {
  return {
    serverContextTakeover: parameter(offer, "server_no_context_takeover") === undefined,
    clientContextTakeover: parameter(offer, "client_no_context_takeover") === undefined,
    serverMaxWindowBits: bitsOf(offer, "server_max_window_bits"),
    clientMaxWindowBits: bitsOf(offer, "client_max_window_bits"),
  };
}

/**
 * The negotiated compression.
 *
 * @throws {HandshakeError} When the response matches none of the offers.
 */
function agreement(offers: readonly Extension[], answer: Extension): DeflateAgreement | undefined {
  let problem: unknown;
  for (const offer of offers.filter(({ name }) => name === PERMESSAGE_DEFLATE)) {
    // RFC 7692 7.1.2.2: a server may limit only the window of a client that offered the parameter.
    const named = parameter(offer, "client_max_window_bits") !== undefined;
    if (!named && parameter(answer, "client_max_window_bits") !== undefined) {
      problem = new HandshakeError(
        "EXTENSION_UNEXPECTED",
        "client_max_window_bits is in the response and was not offered",
      );
      continue;
    }
    // The library accepts such responses because it can decode the messages; a server must not send it.
    const broken = unmetParameter(offer, answer);
    if (broken !== undefined) {
      problem = new HandshakeError(
        "EXTENSION_UNEXPECTED",
        `${broken} was requested, and the response does not honor it`,
      );
      continue;
    }
    try {
      return checkDeflateAnswer([answer], configOf(offer));
    } catch (error) {
      problem = error;
    }
  }
  throw problem;
}

/** The offers of a request; malformed ones count as none. */
function offersOf(request: HeaderFields): Extension[] {
  try {
    return parseExtensions(request.getAll("sec-websocket-extensions"));
  } catch {
    return [];
  }
}

/**
 * Checks the extensions and the subprotocol of a response.
 *
 * @param request The fields of the request.
 * @param answer The fields of the response.
 * @returns The negotiated compression.
 * @throws {HandshakeError} When the server's choice is not allowed.
 */
export function checkChoices(
  request: HeaderFields,
  answer: HeaderFields,
): DeflateAgreement | undefined {
  const asked = request.getAll("sec-websocket-protocol")
    .flatMap((line) => line.split(",")).map((name) => name.trim());
  const chosen = answer.getAll("sec-websocket-protocol");
  if (chosen.length > 1 || chosen.some((name) => name === "" || !asked.includes(name))) {
    throw new HandshakeError(
      "SUBPROTOCOL_UNEXPECTED",
      `The server selected the subprotocol "${chosen.join(", ")}", which was not requested`,
    );
  }
  const accepted = parseExtensions(answer.getAll("sec-websocket-extensions"));
  const offers = offersOf(request);
  let agreed: DeflateAgreement | undefined;
  for (const [index, extension] of accepted.entries()) {
    const { name } = extension;
    if (!offers.some((offer) => offer.name === name)) {
      throw new HandshakeError("EXTENSION_UNEXPECTED", `The extension ${name} was not offered`);
    }
    if (accepted.findIndex((other) => other.name === name) !== index) {
      throw new HandshakeError("EXTENSION_UNEXPECTED", `The extension ${name} is accepted twice`);
    }
    if (name === PERMESSAGE_DEFLATE) agreed = agreement(offers, extension);
  }
  return agreed;
}
