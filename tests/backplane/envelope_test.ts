import assert from "node:assert/strict";
import {
  type Envelope,
  isTextEnvelope,
  MAX_KEY_BYTES,
  ORIGIN_BYTES,
  readEnvelope,
  writeEnvelope,
} from "../../src/backplane/envelope.ts";
import { concat, hex, toHex, utf8 } from "../support/vectors.ts";

const origin = Uint8Array.from({ length: ORIGIN_BYTES }, (_, i) => i);
const base: Envelope = {
  origin,
  count: 0,
  except: 0,
  isText: true,
  onSlow: "queue",
  key: "",
  payload: utf8("hi"),
};

const ENVELOPES: readonly [what: string, envelope: Envelope, start: string, end: string][] = [
  ["text payload", base, "010100000000", "6869"],
  ["binary payload", { ...base, isText: false, payload: hex("ff 00") }, "010200000000", "ff00"],
  ["no payload", { ...base, payload: hex("") }, "010100000000", ""],
  ["onSlow: drop", { ...base, onSlow: "drop" }, "010101000000", "6869"],
  ["a key", { ...base, onSlow: "conflate", key: "k\u20ac" }, "010102000004", "6be282ac6869"],
  ["onSlow: close", { ...base, onSlow: "close" }, "010103000000", "6869"],
];

for (const [what, envelope, start, end] of ENVELOPES) {
  Deno.test(`writes and reads an envelope with ${what}`, () => {
    const bytes = writeEnvelope(envelope);
    assert.equal(toHex(bytes), start + toHex(origin) + "00".repeat(12) + end);
    assert.deepEqual(readEnvelope(bytes), envelope);
  });
}

Deno.test("writes and reads the counter and the excluded connection", () => {
  for (
    const [count, except, written] of [
      [1, 2, "000000000000010000000002"],
      [0x123456789abc, 0xffffffff, "0446453362353c0f7f7f7f7f"],
      [2 ** 48 - 1, 0x80000000, "3f7f7f7f7f7f7f0800000000"],
    ] as const
  ) {
    const bytes = writeEnvelope({ ...base, count, except });
    assert.equal(toHex(bytes.subarray(22, 34)), written);
    assert.deepEqual(readEnvelope(concat(hex("00"), bytes).subarray(1)), {
      ...base,
      count,
      except,
    });
  }
});

Deno.test("writes and reads a key of maximum length", () => {
  const key = "k".repeat(MAX_KEY_BYTES);
  assert.deepEqual(readEnvelope(writeEnvelope({ ...base, key })), { ...base, key });
});

Deno.test("preserves a byte order mark in the key and in the payload", () => {
  const envelope = { ...base, key: "\ufeffk", payload: utf8("\ufefft") };
  assert.deepEqual(readEnvelope(writeEnvelope(envelope)), envelope);
});

const good = writeEnvelope({ ...base, key: "key" });

/** Returns the envelope with one byte replaced. */
function changed(index: number, byte: number): Uint8Array {
  const bytes = good.slice();
  bytes[index] = byte;
  return bytes;
}

const INVALID_ENVELOPES: readonly [what: string, bytes: Uint8Array][] = [
  ["an empty message", hex("")],
  ["an unknown version", changed(0, 2)],
  ["an unknown type", changed(1, 3)],
  ["type 0", changed(1, 0)],
  ["an unknown policy", changed(2, 4)],
  ["a key longer than the envelope", changed(3, 1)],
  ["a key that is not UTF-8", changed(34, 0xff)],
  ["text that is not UTF-8", concat(good, hex("ff"))],
  ["another program's message", utf8('{"type":"hello","from":"another program"}')],
];

for (const [what, bytes] of INVALID_ENVELOPES) {
  Deno.test(`rejects ${what} as an envelope`, () => assert.equal(readEnvelope(bytes), undefined));
}

Deno.test("rejects an envelope that is truncated before its payload", () => {
  const payloadStart = good.length - base.payload.length;
  for (let length = 0; length < payloadStart; length++) {
    assert.equal(readEnvelope(good.subarray(0, length)), undefined, `${length} bytes`);
  }
});

Deno.test("a text envelope is valid UTF-8 and recognized as text", () => {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for (const key of ["", "k\u20ac", "k".repeat(200), "k".repeat(MAX_KEY_BYTES)]) {
    const bytes = writeEnvelope({ ...base, key });
    assert.ok(decoder.decode(bytes).endsWith(`${key}hi`));
    assert.ok(isTextEnvelope(bytes));
    assert.ok(!isTextEnvelope(writeEnvelope({ ...base, key, isText: false })));
  }
  assert.ok(!isTextEnvelope(hex("")));
});
