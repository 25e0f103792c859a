// Short names for the data of cases: frames, expected events, and endings.

import { Opcode } from "@quickws/quickws/core";
import type { Ending, Expected, FramesStep, FrameStep, Outcome, Payload, Step } from "./case.ts";

const encoder = new TextEncoder();

/** Nothing. */
export const NOTHING: Uint8Array = new Uint8Array(0);

/** Text as UTF-8. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Bytes from hexadecimal digits, spaces between them ignored. */
export function hex(digits: string): Uint8Array {
  const compact = digits.replaceAll(" ", "");
  return Uint8Array.from(
    { length: compact.length / 2 },
    (_, i) => Number.parseInt(compact.slice(2 * i, 2 * i + 2), 16),
  );
}

/** Several byte strings, concatenated. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The properties of a frame that differ from a legal one. */
export type FrameTraits = Partial<Omit<FrameStep, "do" | "opcode" | "payload">>;

function asPayload(payload: Payload | string): Payload {
  return typeof payload === "string" ? utf8(payload) : payload;
}

/** A frame with any opcode. */
export function frame(
  opcode: number,
  payload: Payload | string = NOTHING,
  traits: FrameTraits = {},
): FrameStep {
  return {
    do: "frame",
    opcode,
    payload: asPayload(payload),
    fin: true,
    rsv: 0,
    maskRule: true,
    ...traits,
  };
}

/** A text frame. */
export function text(
  payload: Payload | string = NOTHING,
  traits: FrameTraits = {},
): FrameStep {
  return frame(Opcode.Text, payload, traits);
}

/** A binary frame. */
export function binary(
  payload: Payload | string = NOTHING,
  traits: FrameTraits = {},
): FrameStep {
  return frame(Opcode.Binary, payload, traits);
}

/** A ping. */
export function ping(
  payload: Payload | string = NOTHING,
  traits: FrameTraits = {},
): FrameStep {
  return frame(Opcode.Ping, payload, traits);
}

/** A pong. */
export function pong(
  payload: Payload | string = NOTHING,
  traits: FrameTraits = {},
): FrameStep {
  return frame(Opcode.Pong, payload, traits);
}

/** A Close frame with a code and a reason, which need not be text; without a code it is empty. */
export function close(code?: number, reason: Payload | string = NOTHING): FrameStep {
  if (code === undefined) return frame(Opcode.Close);
  const bytes = asPayload(reason) as Uint8Array;
  return frame(Opcode.Close, concat([Uint8Array.of(code >> 8, code & 0xff), bytes]));
}

/**
 * The bytes of each fragment of a message of `total` bytes. As in the Autobahn test suite, a message
 * that is longer than one fragment and divides evenly ends with an empty one.
 */
export function fragmentSizes(total: number, size: number): number[] {
  if (total <= size) return [total];
  const rest = total % size;
  return [...Array.from({ length: (total - rest) / size }, () => size), rest];
}

/** A message cut into fragments of `size` bytes; see {@linkcode fragmentSizes}. */
export function cut(opcode: number, payload: Uint8Array, size: number): FrameStep[] {
  let end = 0;
  return fragments(
    opcode,
    ...fragmentSizes(payload.length, size).map((length) => payload.subarray(end, end += length)),
  );
}

/** The frames of one message, all but the last without FIN. */
export function fragments(opcode: number, ...payloads: (Payload | string)[]): FrameStep[] {
  return payloads.map((payload, index) =>
    frame(index === 0 ? opcode : Opcode.Continuation, payload, {
      fin: index === payloads.length - 1,
    })
  );
}

/** A fragment that begins a message and does not end it. */
export function first(payload: Payload | string = NOTHING): FrameStep {
  return text(payload, { fin: false });
}

/** A continuation fragment that does not end the message. */
export function next(payload: Payload | string = NOTHING): FrameStep {
  return frame(Opcode.Continuation, payload, { fin: false });
}

/** The last fragment. */
export function last(payload: Payload | string = NOTHING): FrameStep {
  return frame(Opcode.Continuation, payload);
}

/** Frames in chunks of one octet. */
export function byteByByte(...frames: FrameStep[]): FramesStep {
  return { do: "frames", frames, chunkSize: 1 };
}

/** Frames in one write. */
export function inOneWrite(...frames: FrameStep[]): FramesStep {
  return { do: "frames", frames, chunkSize: 0 };
}

/** Waits, and records whether the connection is still open. */
export function checkOpen(name: string, milliseconds = 500): Step {
  return { do: "checkOpen", name, milliseconds };
}

/** An echoed text message. */
export function expectText(payload: Payload | string = NOTHING): Expected {
  return { is: "message", opcode: Opcode.Text, payload: asPayload(payload) };
}

/** An echoed binary message. */
export function expectBinary(payload: Payload | string = NOTHING): Expected {
  return { is: "message", opcode: Opcode.Binary, payload: asPayload(payload) };
}

/** A received pong. */
export function expectPong(payload: Payload | string = NOTHING): Expected {
  return { is: "pong", payload: asPayload(payload) };
}

/** The connection was still open when it was checked. */
export function stillOpen(name: string): Expected {
  return { is: "checkOpen", name };
}

/** PASS: these events were received, and the closing handshake was correct. */
export function echoes(...expected: Expected[]): Outcome {
  return { verdict: "PASS", expected, ending: { is: "closed" } };
}

/** PASS: these events were received, and the close code was one of these; 1005 means no code. */
export function closesWith(codes: readonly number[], ...expected: Expected[]): Outcome {
  return { verdict: "PASS", expected, ending: { is: "closed", codes } };
}

/** PASS: these events were received, and then the peer failed the connection. */
export function fails(...expected: Expected[]): Outcome {
  return { verdict: "PASS", expected, ending: { is: "failed" } };
}

/** The same as a NON-STRICT outcome. */
export function nonStrict(outcome: Outcome, note: string): Outcome {
  return { ...outcome, verdict: "NON-STRICT", note };
}

/** The connection is failed, regardless of earlier events. */
export function failsWith(codes: readonly number[], silent = false): Outcome {
  return { verdict: "PASS", expected: "anything", ending: { is: "failed", codes, silent } };
}

/** Marks an outcome as informational. */
export function informational(outcome: Outcome, note: string): Outcome {
  return { ...outcome, verdict: "INFORMATIONAL", note };
}

/** The opening handshake is rejected. */
export function rejects(ending: Omit<Extract<Ending, { is: "refused" }>, "is"> = {}): Outcome {
  return { verdict: "PASS", expected: [], ending: { is: "refused", ...ending } };
}
