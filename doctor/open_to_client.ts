// The opening handshake with an examined client: sends the response of the case.

import {
  acceptDeflate,
  acceptKey,
  type DeflateAgreement,
  type ServerRequest,
} from "@quickws/quickws/core";
import type { Case, DeflateOffer } from "./case.ts";
import { encodeFrame } from "./encode_frame.ts";
import { editFields, encodeHead, type Field, sendHead } from "./head.ts";
import type { Peer } from "./peer.ts";
import { concat, utf8 } from "./steps.ts";
import type { Transcript } from "./transcript.ts";

interface Agreed {
  readonly extensions: string;
  readonly agreement: DeflateAgreement;
}

/** The first acceptable of the case's offers; the doctor itself uses context takeover. */
function agree(request: ServerRequest, terms: readonly DeflateOffer[]): Agreed | undefined {
  for (const { noContextTakeover, maxWindowBits } of terms) {
    const answer = acceptDeflate(request.extensions, {
      serverContextTakeover: true,
      clientContextTakeover: !noContextTakeover,
      serverMaxWindowBits: 15,
      clientMaxWindowBits: maxWindowBits || 15,
    });
    // RFC 7692 7.1.2.2: a server may limit only the window of a client that offered the parameter.
    const { windowBits } = answer?.agreement.inbound ?? { windowBits: 16 };
    if (answer !== undefined && windowBits <= (maxWindowBits || 15)) return answer;
  }
  return undefined;
}

/**
 * Answers a client's request with the response of the case.
 *
 * @returns The negotiated compression.
 */
export async function openToClient(
  peer: Peer,
  request: ServerRequest,
  one: Case,
  transcript: Transcript,
  timeout: number,
): Promise<DeflateAgreement | undefined> {
  const { opening = {} } = one;
  const agreed = opening.deflate && agree(request, opening.deflate.offers);
  const fields: Field[] = [
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Accept", acceptKey(request.key)],
  ];
  const extensions = agreed?.extensions ?? opening.extensions;
  if (extensions !== undefined) fields.push(["Sec-WebSocket-Extensions", extensions]);
  if (opening.subprotocols !== undefined) {
    fields.push(["Sec-WebSocket-Protocol", opening.subprotocols.join(", ")]);
  }
  const startLine = opening.startLine ?? "HTTP/1.1 101 Switching Protocols";
  const head = concat([
    utf8(opening.interim ?? ""),
    encodeHead(startLine, editFields(fields, opening.fields), opening),
  ]);
  const behind = (opening.behind ?? []).map((step) => encodeFrame(step, "client"));
  await sendHead(peer, head, behind, opening, timeout);
  transcript.opened = opening.only === undefined;
  if (opening.only !== undefined) peer.finish();
  return agreed?.agreement;
}
