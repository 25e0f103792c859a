import assert from "node:assert/strict";
import { allocationsOf, total } from "../support/allocations.ts";
import { MESSAGE_RULES, type MessageEvent, MessageRecorder } from "../support/message_recorder.ts";
import { Random } from "../support/random.ts";
import { firstRejection, replay } from "../support/replay.ts";
import { UTF8_SAMPLES } from "../support/utf8_samples.ts";
import {
  BINARY,
  CLOSE,
  concat,
  CONTINUATION,
  frame,
  type FrameParts,
  header,
  hex,
  MASK_KEY,
  PING,
  PONG,
  TEXT,
  utf8,
} from "../support/vectors.ts";

const AS_BYTES = { ...MESSAGE_RULES, text: "bytes" } as const;
const UNCHECKED = { ...AS_BYTES, utf8Check: false } as const;

const random = new Random(54);

function stream(...frames: FrameParts[]): Uint8Array {
  return concat(...frames.map(frame));
}

/** Splits a payload into `count` frames; some are empty if the payload is shorter. */
function fragments(opcode: number, payload: Uint8Array, count: number): FrameParts[] {
  const size = Math.ceil(payload.length / count);
  return Array.from({ length: count }, (_, i) => ({
    fin: i === count - 1,
    opcode: i === 0 ? opcode : CONTINUATION,
    payload: payload.slice(i * size, (i + 1) * size),
  }));
}

function read(bytes: Uint8Array, rules = MESSAGE_RULES): readonly MessageEvent[] {
  return replay(bytes, () => new MessageRecorder(rules));
}

const big = random.bytes(70000);

for (
  const [name, frames, events] of [
    ["an empty text message", [{ opcode: TEXT }], [{ text: "" }]],
    ["an empty binary message", [{ opcode: BINARY }], [{ opcode: BINARY, payload: hex("") }]],
    ["an unfragmented text message", [{ opcode: TEXT, payload: "h\u00e9llo" }], [{
      text: "h\u00e9llo",
    }]],
    [
      "a text message whose fragments end inside characters",
      fragments(TEXT, utf8("\u20ac\u{1f600}\u00e9"), 9),
      [{ text: "\u20ac\u{1f600}\u00e9" }],
    ],
    ["a text message of empty fragments", fragments(TEXT, hex(""), 5), [{ text: "" }]],
    [
      "a binary message of empty fragments",
      fragments(BINARY, hex(""), 5),
      [{ opcode: BINARY, payload: hex("") }],
    ],
    ["a large message in one frame", [{ opcode: BINARY, payload: big }], [
      { opcode: BINARY, payload: big },
    ]],
    ["a large message in fragments", fragments(BINARY, big, 7), [{ opcode: BINARY, payload: big }]],
    [
      "a fragmented message with control frames in between",
      [
        { fin: false, opcode: TEXT, payload: "one " },
        { opcode: PING, payload: "ping" },
        { fin: false, opcode: CONTINUATION },
        { opcode: PONG },
        { opcode: CONTINUATION, payload: "two" },
        { opcode: CLOSE, payload: hex("03e8") },
      ],
      [
        { opcode: PING, payload: utf8("ping") },
        { opcode: PONG, payload: hex("") },
        { text: "one two" },
        { opcode: CLOSE, payload: hex("03e8") },
      ],
    ],
    [
      "a sequence of text and binary messages",
      [
        ...fragments(TEXT, utf8("text"), 2),
        { opcode: BINARY, payload: "whole" },
        ...fragments(BINARY, utf8("bytes"), 3),
        { opcode: TEXT, payload: "more" },
        ...fragments(TEXT, utf8("text"), 2),
      ],
      [
        { text: "text" },
        { opcode: BINARY, payload: utf8("whole") },
        { opcode: BINARY, payload: utf8("bytes") },
        { text: "more" },
        { text: "text" },
      ],
    ],
  ] as [string, FrameParts[], MessageEvent[]][]
) {
  Deno.test(`delivers ${name} identically for any chunk split`, () => {
    assert.deepEqual(read(stream(...frames)), events);
  });
}

Deno.test('delivers text as bytes if text is "bytes"', () => {
  const text = utf8("\ufeffh\u00e9llo");
  const bytes = stream({ opcode: TEXT, payload: text }, ...fragments(TEXT, text, 4));
  const message = { opcode: TEXT, payload: text };
  assert.deepEqual(read(bytes, AS_BYTES), [message, message]);
});

for (const { name, bytes, refusedAt } of UTF8_SAMPLES) {
  const text = hex(bytes);
  const verdict = refusedAt === 0 ? "is delivered" : "is rejected";
  for (const [form, count] of [["whole", 1], ["in two fragments", 2], ["in seven", 7]] as const) {
    Deno.test(`a text ${form} with ${name} ${verdict}, as a string or as bytes`, () => {
      const sent = stream(...fragments(TEXT, text, count), { opcode: TEXT, payload: "next" });
      const good = refusedAt === 0;
      const asText: MessageEvent[] = good
        ? [{ text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(text) }, { text: "next" }]
        : [{ error: "INVALID_UTF8" }];
      assert.deepEqual(read(sent), asText);
      const message = { opcode: TEXT, payload: text };
      const next = { opcode: TEXT, payload: utf8("next") };
      assert.deepEqual(read(sent, AS_BYTES), good ? [message, next] : asText);
      assert.deepEqual(read(sent, UNCHECKED), [message, next]);
    });
  }
}

for (const { name, bytes, refusedAt } of UTF8_SAMPLES.filter((sample) => sample.refusedAt > 0)) {
  // The reader does not need the bytes after the invalid one.
  const text = concat(hex(bytes), utf8("x".repeat(50)));
  for (const rules of [MESSAGE_RULES, AS_BYTES]) {
    Deno.test(`rejects ${name} at the exact byte, in the middle of a frame (${rules.text})`, () => {
      for (const fin of [true, false]) {
        const { reader } = new MessageRecorder(rules);
        const sent = frame({
          fin,
          opcode: TEXT,
          payload: text,
          lengthBits: text.length < 126 ? 7 : 16,
        });
        const headerSize = sent.length - text.length;
        const refusal = firstRejection(sent, (byte) => reader.read(byte));
        assert.equal(refusal?.bytes, headerSize + refusedAt);
        assert.equal((refusal?.error as { closeCode?: number }).closeCode, 1007);
      }
    });

    Deno.test(`rejects ${name} at the exact byte, in a later fragment (${rules.text})`, () => {
      const { reader } = new MessageRecorder(rules);
      const before = stream({ fin: false, opcode: TEXT, payload: "good " }, { opcode: PING });
      reader.read(before);
      const [one, two] = [text.slice(0, 1), text.slice(1)].map((payload) =>
        frame({ fin: false, opcode: CONTINUATION, payload })
      );
      const refusal = firstRejection(concat(one, two), (byte) => reader.read(byte));
      const secondHeader = two.length - (text.length - 1);
      assert.equal(
        refusal?.bytes,
        refusedAt === 1 ? one.length : one.length + secondHeader + refusedAt - 1,
      );
    });
  }
}

Deno.test("rejects fragmented text that ends inside a character, even if its last frame is empty", () => {
  const frames = [{ fin: false, opcode: TEXT, payload: hex("e2 82") }, { opcode: CONTINUATION }];
  assert.deepEqual(read(stream(...frames)), [{ error: "INVALID_UTF8" }]);
});

Deno.test("does not validate binary messages, even between text messages", () => {
  const payload = hex("ff fe 80");
  const bytes = stream(
    { opcode: BINARY, payload },
    ...fragments(BINARY, payload, 3),
    ...fragments(TEXT, utf8("\u20ac"), 3),
    { opcode: PING, payload },
  );
  const message = { opcode: BINARY, payload };
  assert.deepEqual(read(bytes), [message, message, { text: "\u20ac" }, { opcode: PING, payload }]);
});

Deno.test("memory grows with the received bytes, not with the announced length", () => {
  const recorder = new MessageRecorder({ ...MESSAGE_RULES, maxMessageSize: 2 ** 31 - 1 });
  const announced = header({ opcode: BINARY, length: 2n ** 31n - 1n });
  assert.deepEqual(allocationsOf(() => recorder.read(announced)), []);
  const held = Math.max(...allocationsOf(() => {
    for (let i = 0; i < 100; i++) recorder.read(new Uint8Array(100));
  }));
  assert.ok(held <= 4 * 10_000, `${held} bytes are held for 10,000`);
});

Deno.test("collects a single-frame message of known size in a buffer of exactly that size", () => {
  const sent = stream({ opcode: BINARY, payload: random.bytes(5000) });
  const recorder = new MessageRecorder();
  for (let at = 0; at < sent.length; at += 1000) recorder.read(sent.slice(at, at + 1000));
  assert.equal(recorder.views[0].buffer.byteLength, 5000);
});

for (const size of [1 << 16, 1 << 18]) {
  Deno.test(`copies a message of ${size} bytes in chunks of one byte a bounded number of times`, () => {
    const payload = random.bytes(size);
    const sent = stream({ opcode: BINARY, payload });
    const recorder = new MessageRecorder();
    const chunk = new Uint8Array(1);
    const allocated = allocationsOf(() => {
      for (let at = 0; at < sent.length; at++) {
        chunk[0] = sent[at];
        recorder.read(chunk);
      }
    });
    assert.deepEqual(recorder.events, [{ opcode: BINARY, payload }]);
    // Each growth copies the existing bytes. If the buffer grows geometrically, the total is a
    // small multiple of the size.
    assert.ok(total(allocated) <= 3 * size, `${total(allocated)} bytes were allocated`);
    assert.ok(allocated.length <= 4 + Math.log2(size), `${allocated.length} allocations were made`);
  });

  Deno.test(`collects a message of ${size} bytes in fragments of one byte in one growing buffer`, () => {
    const payload = random.bytes(size);
    const sent = new Uint8Array(3 * size + 2);
    for (let i = 0; i < size; i++) {
      sent.set([i === 0 ? BINARY : CONTINUATION, 1, payload[i]], 3 * i);
    }
    sent.set(frame({ opcode: CONTINUATION }), 3 * size);
    const recorder = new MessageRecorder({ ...MESSAGE_RULES, maxFragments: size + 1 });
    const allocated = allocationsOf(() => recorder.read(sent));
    assert.deepEqual(recorder.events, [{ opcode: BINARY, payload }]);
    assert.ok(total(allocated) <= 6 * size, `${total(allocated)} bytes were allocated`);
    assert.ok(allocated.length <= 4 + Math.log2(size), `${allocated.length} allocations were made`);
  });
}

Deno.test("never overwrites delivered memory", () => {
  const rules = { ...AS_BYTES, masked: true };
  const recorder = new MessageRecorder(rules);
  const copies: Uint8Array[] = [];
  for (let run = 0; run < 300; run++) {
    const payload = random.bytes(random.below(100));
    const parts = [
      ...fragments(BINARY, payload, 1 + random.below(4)),
      { opcode: PING, payload: random.bytes(random.below(126)) },
      { opcode: BINARY, payload: random.bytes(random.below(2000)) },
    ];
    const sent = concat(...parts.map((part) => frame({ ...part, mask: MASK_KEY })));
    for (let at = 0; at < sent.length;) {
      const end = Math.min(sent.length, at + 1 + random.below(700));
      recorder.read(sent.slice(at, end));
      at = end;
    }
    for (const view of recorder.views.slice(copies.length)) copies.push(view.slice());
    assert.equal(copies.length, 3 * (run + 1));
  }
  assert.deepEqual(recorder.views, copies);
});
