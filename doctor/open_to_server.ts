// The opening handshake with a tested server: sends the request of the case and checks the response.

import {
  acceptKey,
  type DeflateAgreement,
  encodeKey,
  HandshakeError,
  HeaderFields,
  HttpHeadReader,
  isValidKey,
} from "@quickws/quickws/core";
import type { Case, HandshakeCheck } from "./case.ts";
import { encodeFrame } from "./encode_frame.ts";
import { editFields, encodeHead, type Field, sendHead } from "./head.ts";
import { checkChoices, formatOffers } from "./negotiated.ts";
import type { Peer } from "./peer.ts";
import { concat } from "./steps.ts";
import type { Transcript } from "./transcript.ts";

/** The limits for the head of a response, in bytes and lines. */
const LIMITS = { maxBytes: 65536, maxLines: 500 };

/** The server's address in a request. */
export interface Address {
  /** The value of `Host`. */
  readonly host: string;
  /** Path and query. */
  readonly target: string;
}

/** An open connection. */
export interface Opened {
  /** The negotiated compression. */
  readonly agreement: DeflateAgreement | undefined;
  /** The data received after the response head. */
  readonly rest: Uint8Array;
}

function usualFields({ host }: Address, { opening = {} }: Case): Field[] {
  const key = encodeKey(crypto.getRandomValues(new Uint8Array(16)));
  const fields: Field[] = [
    ["Host", host],
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Key", key],
    ["Sec-WebSocket-Version", "13"],
  ];
  const extensions = opening.deflate ? formatOffers(opening.deflate.offers) : opening.extensions;
  if (extensions !== undefined) fields.push(["Sec-WebSocket-Extensions", extensions]);
  if (opening.subprotocols !== undefined) {
    fields.push(["Sec-WebSocket-Protocol", opening.subprotocols.join(", ")]);
  }
  return fields;
}

/**
 * Sends the request and records the response in the transcript.
 *
 * @returns The open connection, or `undefined` if the server rejected it or the response is illegal.
 */
export async function openToServer(
  peer: Peer,
  address: Address,
  one: Case,
  transcript: Transcript,
  timeout: number,
): Promise<Opened | undefined> {
  const { opening = {} } = one;
  const startLine = (opening.startLine ?? "GET %s HTTP/1.1").replace("%s", address.target);
  const fields = editFields(usualFields(address, one), opening.fields);
  const reader = new HttpHeadReader(LIMITS);
  let whole = false;
  let rest: Uint8Array[] = [];
  let problem: string | undefined;
  peer.read((chunk) => {
    if (whole) rest.push(chunk);
    else if (problem === undefined) {
      try {
        whole = reader.push(chunk);
        if (whole) rest = [reader.rest];
      } catch (error) {
        problem = `The response cannot be parsed: ${(error as Error).message}`;
      }
    }
  });
  const behind = (opening.behind ?? []).map((step) => encodeFrame(step, "server"));
  await sendHead(peer, encodeHead(startLine, fields, opening), behind, opening, timeout);
  await peer.until(() => whole || problem !== undefined || peer.ended, timeout);
  if (!whole) {
    transcript.handshakeProblem = problem;
    return undefined;
  }
  const status = /^HTTP\/1\.[01] (\d{3})( |$)/.exec(reader.startLine)?.[1];
  transcript.answer = { status: Number(status ?? 0), fields: reader.fields };
  if (status !== "101") {
    if (status === undefined) transcript.handshakeProblem = "The response has no status line";
    return undefined;
  }
  transcript.opened = true;
  try {
    const request = requestFields(fields);
    checkProof(request, reader.fields);
    const agreement = checkChoices(request, reader.fields);
    transcript.checkProblem = ownCheck(reader.fields, one.check);
    return { agreement, rest: concat(rest) };
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error;
    transcript.handshakeProblem = error.message;
    return undefined;
  }
}

function requestFields(fields: readonly Field[]): HeaderFields {
  return HeaderFields.fromLines(fields.map(([name, value]) => [name, value.trim()]));
}

/** RFC 6455 4.2.2, item 5: the parts of a 101 response. */
function checkProof(request: HeaderFields, answer: HeaderFields): void {
  if (!answer.hasToken("upgrade", "websocket") || !answer.hasToken("connection", "upgrade")) {
    throw new HandshakeError(
      "UPGRADE_MISSING",
      "The response has no Upgrade: websocket or no Connection: Upgrade",
    );
  }
  const key = request.get("sec-websocket-key");
  const accepts = answer.getAll("sec-websocket-accept");
  // Without a valid key the accept value proves nothing; the case checks whether the key was
  // accepted.
  if (key === null || !isValidKey(key)) return;
  if (accepts.length !== 1 || accepts[0] !== acceptKey(key)) {
    throw new HandshakeError(
      "ACCEPT_INVALID",
      "The response's Sec-WebSocket-Accept does not match the key",
    );
  }
}

function ownCheck(answer: HeaderFields, check: HandshakeCheck | undefined): string | undefined {
  const extensions = answer.get("sec-websocket-extensions");
  if (check?.noExtensions && extensions !== null) return `The server accepted "${extensions}"`;
  const chosen = answer.get("sec-websocket-protocol");
  if (chosen === null || check?.subprotocols === undefined) return undefined;
  return check.subprotocols.includes(chosen)
    ? undefined
    : `The server selected the subprotocol "${chosen}"`;
}
