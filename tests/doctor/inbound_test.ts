// Converts the peer's input to events and detects violations.

import assert from "node:assert/strict";
import { deflateFor, Inbound } from "../../doctor/inbound.ts";
import { hex } from "../../doctor/steps.ts";
import { emptyTranscript, type Transcript } from "../../doctor/transcript.ts";

function read(...chunks: string[]): { transcript: Transcript; pings: number } {
  const transcript = emptyTranscript();
  let pings = 0;
  const inbound = new Inbound("server", transcript, undefined, () => pings++);
  for (const chunk of chunks) inbound.read(hex(chunk));
  return { transcript, pings };
}

Deno.test("reports messages and pongs as events, in order", () => {
  const { transcript } = read("8103 616263", "8a01 31 01 01 61", "80 01 62");
  assert.deepEqual(transcript.events.map((event) => event.is), ["message", "pong", "message"]);
  const [, , last] = transcript.events;
  assert.deepEqual(last, { is: "message", opcode: 1, payload: hex("6162") });
});

Deno.test("reports pings", () => {
  assert.equal(read("8900", "8900").pings, 2);
});

Deno.test("reports a Close frame with its code and reason", () => {
  assert.deepEqual(read("8805 03e8 627965").transcript.close, { code: 1000, reason: "bye" });
  assert.deepEqual(read("8800").transcript.close, { code: 1005, reason: "" });
});

const violations: [title: string, chunks: string[], message: RegExp][] = [
  ["a mask", ["8180 01020304"], /masked/],
  ["a reserved bit", ["c100"], /RSV1/],
  ["a length that is not minimal", ["817e 0001 61"], /16 bits/],
  ["text that is not UTF-8", ["8101 ff"], /UTF-8/],
  ["a continuation without a message", ["8000"], /continues no message/],
  ["data after Close, in the same chunk", ["8802 03e8 8100"], /after its Close frame/],
  ["data after Close, later", ["8802 03e8", "8100"], /after its Close frame/],
  ["an illegal code", ["8802 03e7"], /999/],
];

for (const [title, chunks, message] of violations) {
  Deno.test(`a violation: ${title}`, () => {
    assert.match(read(...chunks).transcript.violation ?? "", message);
  });
}

const DIRECTION = { takeover: false, windowBits: 15 };

/** Returns the violation in one compressed message from a server. */
function violationIn(payload: string): string | undefined {
  const transcript = emptyTranscript();
  const deflate = deflateFor({ inbound: DIRECTION, outbound: DIRECTION });
  const bytes = hex(payload);
  new Inbound("server", transcript, deflate, () => {})
    .read(Uint8Array.of(0xc1, bytes.length, ...bytes));
  return transcript.violation;
}

Deno.test("a compressed message with the tail 00 00 ff ff is a violation", () => {
  assert.equal(violationIn("f248cdc9c90700"), undefined);
  assert.match(violationIn("f248cdc9c907000000ffff") ?? "", /00 00 ff ff/);
  // A stored block may contain the same bytes as data. This message is only invalid UTF-8.
  assert.match(violationIn("000400fbff0000ffff00") ?? "", /UTF-8/);
});
