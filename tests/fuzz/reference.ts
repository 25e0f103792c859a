// A reference receiver, written as simply as possible from RFC 6455. It reads a whole stream at
// once and does not support compression. A session must produce the same result.

import type { SessionRules } from "../../src/session/session.ts";
import type { EventRecord } from "../support/endpoint.ts";
import { CLOSE, concat, CONTINUATION, PING, TEXT, toHex } from "../support/vectors.ts";

/** The expected result of a receiver for a stream. */
export interface Verdict {
  readonly events: readonly EventRecord[];
  /** The code of the error or of the peer's Close frame, or `undefined` if the stream just ends. */
  readonly end: string | undefined;
}

/** A protocol violation with its error code. */
class Refusal {
  constructor(readonly code: string) {}
}

/** Receives a stream by the RFC and the limits of `rules`. */
export function receiveByReference(stream: Uint8Array, rules: SessionRules): Verdict {
  const events: EventRecord[] = [];
  try {
    return { events, end: judgeFrames(stream, rules, events) };
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    return { events, end: refusal.code };
  }
}

function judgeFrames(
  stream: Uint8Array,
  rules: SessionRules,
  events: EventRecord[],
): string | undefined {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  let parts: Uint8Array = new Uint8Array(0);
  let kind: number | undefined;
  let fragments = 0;
  let at = 0;
  while (at + 2 <= stream.length) {
    const fin = (stream[at] & 0x80) !== 0;
    const opcode = stream[at] & 0x0f;
    const masked = (stream[at + 1] & 0x80) !== 0;
    const short = stream[at + 1] & 0x7f;
    if ((stream[at] & 0x70) !== 0) throw new Refusal("RESERVED_BITS");
    if (opcode > 10 || (opcode > 2 && opcode < 8)) throw new Refusal("RESERVED_OPCODE");
    const isControl = opcode >= 8;
    if (isControl && short > 125) throw new Refusal("CONTROL_FRAME_TOO_LONG");
    if (isControl && !fin) throw new Refusal("CONTROL_FRAME_FRAGMENTED");
    if (opcode === CONTINUATION && kind === undefined) {
      throw new Refusal("CONTINUATION_UNEXPECTED");
    }
    if (!isControl && opcode !== CONTINUATION && kind !== undefined) {
      throw new Refusal("CONTINUATION_EXPECTED");
    }
    // The RFC defines no order. Check the mask last, because it is the least specific error.
    if (masked !== rules.masked) throw new Refusal(masked ? "MASK_UNEXPECTED" : "MASK_MISSING");

    const lengthSize = short === 126 ? 2 : short === 127 ? 8 : 0;
    const payloadAt = at + 2 + lengthSize + (masked ? 4 : 0);
    if (payloadAt > stream.length) return undefined;
    if (!isControl && ++fragments > rules.maxFragments) throw new Refusal("TOO_MANY_FRAGMENTS");
    let length = BigInt(short);
    if (lengthSize === 2) length = BigInt(view.getUint16(at + 2));
    if (lengthSize === 8) length = view.getBigUint64(at + 2);
    if (length >> 63n === 1n) throw new Refusal("LENGTH_TOP_BIT");
    const shortest = length < 126n ? 0 : length < 65536n ? 2 : 8;
    if (lengthSize !== shortest) throw new Refusal("LENGTH_NOT_MINIMAL");
    if (!isControl && BigInt(parts.length) + length > BigInt(rules.maxMessageSize)) {
      throw new Refusal("MESSAGE_TOO_BIG");
    }

    const end = payloadAt + Number(length);
    const key = masked ? stream.subarray(payloadAt - 4, payloadAt) : [0, 0, 0, 0];
    const payload = stream.slice(payloadAt, end);
    for (let i = 0; i < payload.length; i++) payload[i] ^= key[i % 4];
    if (!isControl) {
      if (opcode !== CONTINUATION) kind = opcode;
      parts = concat(parts, payload);
      // RFC 6455 8.1, read strictly: fail at the first byte that makes the text invalid.
      if (kind === TEXT && rules.utf8Check && !canBecomeText(parts)) {
        throw new Refusal("INVALID_UTF8");
      }
    }
    if (end > stream.length) return undefined;
    if (opcode === CLOSE) return judgeClose(payload);
    if (isControl) {
      events.push([opcode === PING ? "ping" : "pong", toHex(payload)]);
    } else if (fin) {
      events.push(message(kind!, parts, rules));
      parts = new Uint8Array(0);
      kind = undefined;
      fragments = 0;
    }
    at = end;
  }
  return undefined;
}

function message(kind: number, bytes: Uint8Array, rules: SessionRules): EventRecord {
  if (kind !== TEXT) return ["binary", toHex(bytes)];
  const text = decoded(bytes, false);
  if (text === undefined) throw new Refusal("INVALID_UTF8");
  return rules.text === "string" ? ["text", text] : ["utf8", toHex(bytes)];
}

/** Returns whether further bytes can complete these to valid text. */
function canBecomeText(bytes: Uint8Array): boolean {
  return decoded(bytes, true) !== undefined;
}

function decoded(bytes: Uint8Array, stream: boolean): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream });
  } catch {
    return undefined;
  }
}

/** Checks a Close payload by RFC 6455 5.5.1 and 7.4, including codes that IANA registered later. */
function judgeClose(payload: Uint8Array): string {
  if (payload.length === 0) return "1005";
  if (payload.length === 1) throw new Refusal("CLOSE_PAYLOAD_TOO_SHORT");
  const code = payload[0] * 256 + payload[1];
  const isDefined = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]
    .includes(code);
  if (!isDefined && !(code >= 3000 && code <= 4999)) throw new Refusal("CLOSE_CODE_INVALID");
  if (decoded(payload.subarray(2), false) === undefined) {
    throw new Refusal("INVALID_UTF8");
  }
  return String(code);
}
