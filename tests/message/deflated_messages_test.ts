// Reads messages that zlib has compressed: limits, corruption, fragments, and ownership of memory.

import assert from "node:assert/strict";
import { deflateRawSync } from "node:zlib";
import { PermessageDeflate } from "../../src/message/permessage.ts";
import { allocationsOf, total } from "../support/allocations.ts";
import { bomb } from "../support/bomb.ts";
import { compressed, compressedWithTakeover, RSV1 } from "../support/deflated.ts";
import { MESSAGE_RULES, type MessageEvent, MessageRecorder } from "../support/message_recorder.ts";
import { PERMESSAGE_RULES } from "../support/permessage_rules.ts";
import { Random } from "../support/random.ts";
import { replay } from "../support/replay.ts";
import {
  BINARY,
  CLOSE,
  concat,
  CONTINUATION,
  frame,
  type FrameParts,
  hex,
  PING,
  TEXT,
  utf8,
} from "../support/vectors.ts";

const RULES = { ...MESSAGE_RULES, rsv1: true };
const LIMIT = 5000;

function open(rules = RULES, takeover = false): MessageRecorder {
  const direction = { takeover, windowBits: 15 };
  const compression = new PermessageDeflate(PERMESSAGE_RULES, direction, direction);
  return new MessageRecorder(rules, compression);
}

/** Splits a message into fragments that end at the given offsets. */
function fragments(opcode: number, payload: Uint8Array, ends: number[]): FrameParts[] {
  return [...ends, payload.length].map((end, i) => ({
    fin: i === ends.length,
    rsv: i === 0 ? RSV1 : 0,
    opcode: i === 0 ? opcode : CONTINUATION,
    payload: payload.subarray(i === 0 ? 0 : ends[i - 1], end),
  }));
}

function whole(opcode: number, payload: Uint8Array): FrameParts {
  return { rsv: RSV1, opcode, payload };
}

const TALE = "Once upon a time, and what a time it was. \u20ac\u{1d11e} ".repeat(6);

/** The same message twice; the second refers to the first. */
const [FIRST, SECOND] = await compressedWithTakeover(TALE, TALE);

Deno.test("reads a compressed message in fragments as one message, for any split", () => {
  const wire = compressed(TALE);
  for (let first = 0; first <= wire.length; first++) {
    const stream = fragments(TEXT, wire, [first, (first + wire.length) >> 1]);
    const recorder = open();
    recorder.read(concat(...stream.map(frame)));
    assert.deepEqual(recorder.events, [{ text: TALE }], `cut at ${first}`);
  }
});

Deno.test("reads fragments with interleaved pings and uncompressed messages identically for any chunk split", () => {
  const wire = compressed(TALE);
  const [one, two, three] = fragments(TEXT, wire, [1, 30]);
  const plain = { opcode: BINARY, payload: hex("01 02") };
  const stream = [one, { opcode: PING }, two, three, plain, whole(BINARY, compressed("data"))];
  const events = replay(concat(...stream.map(frame)), () => open());
  assert.deepEqual(events, [
    { opcode: PING, payload: hex("") },
    { text: TALE },
    plain,
    { opcode: BINARY, payload: utf8("data") },
  ]);
});

Deno.test("uncompressed messages are not part of the takeover history", () => {
  const stream = concat(
    frame(whole(TEXT, FIRST)),
    frame({ opcode: TEXT, payload: "in between" }),
    ...fragments(TEXT, SECOND, [2, 5]).map(frame),
  );
  const events = replay(stream, () => open(RULES, true));
  assert.deepEqual(events, [{ text: TALE }, { text: "in between" }, { text: TALE }]);
});

for (const takeover of [false, true]) {
  Deno.test(`maxMessageSize limits the total decompressed size of all fragments, takeover ${takeover}`, () => {
    for (const [size, fits] of [[LIMIT, true], [LIMIT + 1, false]] as const) {
      const message = new Uint8Array(size).fill(0x61);
      const wire = compressed(message);
      const rules = { ...RULES, maxMessageSize: LIMIT };
      for (const frames of [[whole(BINARY, wire)], fragments(BINARY, wire, [1, 2, 3])]) {
        const events = replay(concat(...frames.map(frame)), () => open(rules, takeover));
        const expected = fits ? { opcode: BINARY, payload: message } : { error: "MESSAGE_TOO_BIG" };
        assert.deepEqual(events, [expected]);
      }
    }
  });
}

Deno.test("an incompressible message may slightly exceed maxMessageSize on the wire", () => {
  const message = new Random(5).bytes(LIMIT);
  // RFC 1951 3.2.4: level 0 produces uncompressed blocks.
  const wire = new Uint8Array(deflateRawSync(message, { level: 0, finishFlush: 2 })).slice(0, -4);
  assert.ok(wire.length > LIMIT);
  const recorder = open({ ...RULES, maxMessageSize: LIMIT });
  recorder.read(frame(whole(BINARY, wire)));
  assert.deepEqual(recorder.events, [{ opcode: BINARY, payload: message }]);
});

Deno.test("rejects a compressed message far over the limit as soon as its header arrives", () => {
  const recorder = open({ ...RULES, maxMessageSize: LIMIT });
  const huge = frame({ rsv: RSV1, opcode: BINARY, length: 1n << 30n });
  recorder.read(huge);
  assert.deepEqual(recorder.events, [{ error: "MESSAGE_TOO_BIG" }]);
});

Deno.test("a decompression bomb uses no more memory than an allowed message, whole, in fragments or byte by byte", () => {
  const wire = bomb();
  assert.ok(wire.length < 1.1 * (1 << 20));
  const maxMessageSize = 1 << 22;
  const ends = Array.from({ length: 10 }, (_, i) => (i + 1) * 100_000);
  for (
    const [frames, step] of [
      [[whole(BINARY, wire)], Infinity],
      [fragments(BINARY, wire, ends), Infinity],
      [[whole(BINARY, wire)], 1],
    ] as const
  ) {
    const stream = concat(...frames.map(frame));
    const recorder = open({ ...RULES, maxMessageSize });
    const sizes = allocationsOf(() => {
      for (let at = 0; at < stream.length; at += step) {
        recorder.read(stream, at, Math.min(at + step, stream.length));
      }
    });
    assert.deepEqual(recorder.events, [{ error: "MESSAGE_TOO_BIG" }]);
    // The output buffer grows in steps up to the limit, and collecting fragments takes a multiple
    // of their size.
    assert.ok(total(sizes) < 1.4 * maxMessageSize + 6 * stream.length, `${total(sizes)} bytes`);
  }
});

for (
  const [name, payload, error] of [
    ["that is corrupt", hex("ff ff ff"), "INVALID_DEFLATE_DATA"],
    ["that is truncated", compressed(TALE).slice(0, -3), "INVALID_DEFLATE_DATA"],
    ["that refers to bytes before the history", SECOND, "INVALID_DEFLATE_DATA"],
    ["of text that is not UTF-8", compressed(hex("61 62 ff")), "INVALID_UTF8"],
    ["of text that ends inside a character", compressed(hex("61 e2 82")), "INVALID_UTF8"],
    ["of text with a surrogate", compressed(hex("61 ed a0 80")), "INVALID_UTF8"],
  ] as const
) {
  Deno.test(`rejects a message ${name}, whole and in fragments, as string and as bytes`, () => {
    for (const text of ["string", "bytes"] as const) {
      for (const frames of [[whole(TEXT, payload)], fragments(TEXT, payload, [1])]) {
        const stream = concat(...frames.map(frame), frame({ opcode: PING }));
        const events = replay(stream, () => open({ ...RULES, text }));
        assert.deepEqual(events, [{ error }]);
      }
    }
  });
}

Deno.test("delivers text unchecked if validation is off", () => {
  const recorder = open({ ...RULES, text: "bytes", utf8Check: false });
  recorder.read(frame(whole(TEXT, compressed(hex("61 62 ff")))));
  assert.deepEqual(recorder.events, [{ opcode: TEXT, payload: hex("61 62 ff") }]);
});

for (
  const [name, frames] of [
    ["a continuation", [
      { fin: false, rsv: RSV1, opcode: TEXT, payload: hex("f2 48") },
      { rsv: RSV1, opcode: CONTINUATION, payload: hex("cd c9 c9 07 00") },
    ]],
    ["a continuation of a message that is not compressed", [
      { fin: false, opcode: TEXT, payload: "Hel" },
      { rsv: RSV1, opcode: CONTINUATION, payload: "lo" },
    ]],
    ["a ping", [{ rsv: RSV1, opcode: PING }]],
    ["a Close", [{ rsv: RSV1, opcode: CLOSE }]],
    ["a message with another reserved bit", [{ rsv: RSV1 | 2, opcode: TEXT, payload: hex("00") }]],
  ] as [string, FrameParts[]][]
) {
  Deno.test(`rejects RSV1 on ${name}`, () => {
    const events = replay(concat(...frames.map(frame)), () => open());
    assert.deepEqual(events, [{ error: "RESERVED_BITS" }] satisfies MessageEvent[]);
  });
}

Deno.test("rejects RSV1 without negotiated compression", () => {
  const stream = frame(whole(TEXT, hex("00")));
  const events = replay(stream, () => new MessageRecorder());
  assert.deepEqual(events, [{ error: "RESERVED_BITS" }]);
});

Deno.test("delivered messages never share reused memory", async () => {
  const random = new Random(99);
  // All texts differ, so that bytes of another message would be detected.
  const sent = Array.from({ length: 600 }, (_, i) => {
    const most = i % 50 === 0 ? 5000 : 100;
    return utf8(`message ${i} `.repeat(1 + random.below(most)));
  });
  const isPacked = sent.map(() => random.below(4) > 0);
  const packed = await compressedWithTakeover(...sent.filter((_, i) => isPacked[i]));
  const recorder = open({ ...RULES, text: "bytes" }, true);
  sent.forEach((payload, i) => {
    const opcode = random.pick([TEXT, BINARY]);
    if (!isPacked[i]) {
      recorder.read(frame({ opcode, payload }));
      return;
    }
    const wire = packed.shift()!;
    const ends = random.below(3) === 0 ? [wire.length >> 1] : [];
    for (const fragment of fragments(opcode, wire, ends)) recorder.read(frame(fragment));
  });
  assert.equal(recorder.views.length, sent.length);
  recorder.views.forEach((view, i) => assert.deepEqual(view, sent[i], `message ${i}`));
  const memories = new Set(recorder.views.map(({ buffer }) => buffer));
  assert.equal(memories.size, sent.length, "each message has a separate buffer");
});
