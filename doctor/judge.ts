// The verdict: compares a transcript with the outcomes that a case allows.

import { Buffer } from "node:buffer";
import { Opcode } from "@quickws/quickws/core";
import type { Case, Ending, Expected, Outcome, Role, Verdict } from "./case.ts";
import { payloadBytes, payloadSize } from "./corpus.ts";
import { toHex } from "./recording.ts";
import type { Event, Transcript } from "./transcript.ts";

/** The verdict on a case, and the reason for it. */
export interface Judgement {
  readonly verdict: Verdict;
  /** The reason for a verdict other than PASS; empty for PASS. */
  readonly note: string;
}

/** The maximum bytes of a payload in descriptions. */
const SHOWN = 24;

/** Judges a transcript. */
export function judge(one: Case, role: Role, transcript: Transcript): Judgement {
  if (transcript.unreachable !== undefined) {
    return { verdict: "FAIL", note: transcript.unreachable };
  }
  if (one.opening?.deflate !== undefined && transcript.declined) {
    return { verdict: "UNIMPLEMENTED", note: "permessage-deflate was declined" };
  }
  const { checkProblem, handshakeProblem, violation } = transcript;
  const fitting = (checkProblem ?? handshakeProblem) === undefined
    ? one.outcomes.find((outcome) =>
      // An illegal answer to an illegal Close frame counts as none; any other violation is a FAIL.
      (violation === undefined || outcome.ending.is === "unanswered") &&
      fits(outcome, role, transcript)
    )
    : undefined;
  if (fitting !== undefined) return { verdict: fitting.verdict, note: fitting.note ?? "" };
  const accepted = transcript.opened && role === "server" &&
    one.outcomes.every(({ ending }) => ending.is === "refused");
  const note = accepted ? "The server accepted the request" : describe(role, transcript);
  // Backpressure from the peer bounds its memory.
  const verdict = transcript.stalled && one.otherwise !== undefined
    ? "INFORMATIONAL"
    : one.otherwise;
  return { verdict: verdict ?? "FAIL", note };
}

function fits(outcome: Outcome, role: Role, transcript: Transcript): boolean {
  return endFits(outcome.ending, role, transcript) &&
    (outcome.expected === "anything" || sameEvents(outcome.expected, transcript.events));
}

function endFits(ending: Ending, role: Role, transcript: Transcript): boolean {
  const { opened, close, closedFirst, end } = transcript;
  switch (ending.is) {
    case "refused":
      return role === "server" ? refusedFits(ending, transcript) : hasRejected(ending, transcript);
    case "closed":
      // The doctor sent Close first, the peer answered it, and neither side aborted the stream.
      return opened && closedFirst !== undefined && close !== undefined && end !== "timeout" &&
        (ending.codes === undefined || ending.codes.includes(close.code));
    case "unclean":
      return opened && closedFirst !== undefined &&
        (close === undefined || ending.codes === undefined || ending.codes.includes(close.code));
    case "unanswered":
      return opened && closedFirst !== undefined && close === undefined;
    case "failed": {
      if (!opened || end === "timeout") return false;
      if (close === undefined) return ending.silent ?? true;
      if (ending.codes !== undefined) return ending.codes.includes(close.code);
      // An echo of the doctor's own Close is a reply, not a failure.
      return closedFirst !== close.code;
    }
  }
}

function refusedFits(
  { statuses, field }: Extract<Ending, { is: "refused" }>,
  { opened, answer, end }: Transcript,
): boolean {
  if (opened) return false;
  if (answer === undefined) {
    return end !== "timeout" && (statuses === undefined || statuses.includes(-1)) &&
      field === undefined;
  }
  if (statuses !== undefined && !statuses.includes(answer.status)) return false;
  return field === undefined || answer.fields.hasToken(field[0], field[1]);
}

/** A client rejects a response by closing the connection before using it. */
function hasRejected(
  { lingers }: Extract<Ending, { is: "refused" }>,
  { events, close, end }: Transcript,
): boolean {
  return (lingers || end !== "timeout") && events.length === 0 &&
    (close === undefined || (close.code !== 1000 && close.code !== 1001));
}

/** Whether exactly these events were received, in this order. */
export function sameEvents(expected: readonly Expected[], events: readonly Event[]): boolean {
  return expected.length === events.length &&
    expected.every((one, index) => sameEvent(one, events[index]));
}

function sameEvent(expected: Expected, event: Event): boolean {
  if (expected.is === "checkOpen" || event.is === "checkOpen") {
    return expected.is === "checkOpen" && event.is === "checkOpen" && expected.name === event.name;
  }
  if (expected.is !== event.is) return false;
  if (expected.is === "message" && event.is === "message" && expected.opcode !== event.opcode) {
    return false;
  }
  return payloadSize(expected.payload) === event.payload.length &&
    sameBytes(payloadBytes(expected.payload), event.payload);
}

/** Whether two byte strings are the same. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && Buffer.compare(one, other) === 0;
}

/** Describes what happened. */
export function describe(role: Role, transcript: Transcript): string {
  const { opened, answer, handshakeProblem, checkProblem, violation } = transcript;
  const problem = checkProblem ?? handshakeProblem;
  if (problem !== undefined) return problem;
  const parts = transcript.events.slice(0, 5).map(describeEvent);
  if (transcript.events.length > 5) parts.push(`${transcript.events.length - 5} more`);
  if (violation !== undefined) parts.push(`a violation by the peer: ${violation}`);
  if (!opened) {
    parts.push(
      answer === undefined
        ? "no response to the request"
        : `the response ${describeAnswer(transcript)}`,
    );
  }
  parts.push(describeEnd(transcript));
  const text = parts.filter((part) => part !== "").join(", then ");
  const stalled = transcript.stalled ? "; it did not read all that the doctor sent" : "";
  return `The ${role} sent: ${text}${stalled}`;
}

function describeAnswer({ answer }: Transcript): string {
  const version = answer!.fields.get("sec-websocket-version");
  return `${answer!.status} ${
    version === null ? "without Sec-WebSocket-Version" : `with Sec-WebSocket-Version: ${version}`
  }`;
}

function describeEvent(event: Event): string {
  if (event.is === "checkOpen") return `still open ${event.name}`;
  const size = event.payload.length;
  const shown = toHex(event.payload, Math.min(size, SHOWN)) + (size > SHOWN ? "..." : "");
  const name = event.is === "pong"
    ? "a pong"
    : `a ${event.opcode === Opcode.Text ? "text" : "binary"} message`;
  return `${name} of ${size} bytes${size === 0 ? "" : ` (${shown})`}`;
}

function describeEnd({ close, closedFirst, end }: Transcript): string {
  const parts: string[] = [];
  if (close !== undefined) {
    const reason = close.reason === "" ? "" : ` "${close.reason}"`;
    const code = close.code === 1005 ? "without a code" : `with ${close.code}`;
    parts.push(`a Close frame ${code}${reason}${closedFirst === undefined ? "" : " in reply"}`);
  }
  if (end === "timeout") parts.push("nothing more, and the connection stayed open");
  else if (close === undefined) parts.push("the end of the stream without a Close frame");
  return parts.join(", then ");
}

/** Describes the allowed outcomes of a case. */
export function describeExpected({ outcomes }: Case): string {
  const texts = outcomes.map(({ verdict, expected, ending }) => {
    const parts = expected === "anything" ? [] : expected.slice(0, 5).map(describeWanted);
    if (expected !== "anything" && expected.length > 5) parts.push(`${expected.length - 5} more`);
    parts.push(describeEnding(ending));
    return `${verdict === "PASS" ? "" : `${verdict}: `}${parts.join(", then ")}`;
  });
  return [...new Set(texts)].join("; or ");
}

function describeWanted(expected: Expected): string {
  if (expected.is === "checkOpen") return `still open ${expected.name}`;
  const what = expected.is === "pong"
    ? "a pong"
    : `a ${expected.opcode === Opcode.Text ? "text" : "binary"} message`;
  return `${what} of ${payloadSize(expected.payload)} bytes`;
}

function describeEnding(ending: Ending): string {
  switch (ending.is) {
    case "closed":
      return `the closing handshake${
        ending.codes === undefined ? "" : ` with ${describeCodes(ending.codes)}`
      }`;
    case "unclean":
      return "an incomplete closing handshake";
    case "unanswered":
      return "no Close frame in reply";
    case "failed":
      return ending.codes === undefined || ending.codes.length === 0
        ? "the connection is failed"
        : `the connection is failed with ${describeCodes(ending.codes)}`;
    case "refused":
      return `a rejection${
        ending.field === undefined ? "" : ` with ${ending.field[0]}: ${ending.field[1]}`
      }`;
  }
}

function describeCodes(codes: readonly number[]): string {
  return codes.map((code) => code === 1005 ? "no code" : String(code)).join(" or ");
}
