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
  ["text", base, "010100000000", "6869"],
  ["binary", { ...base, isText: false, payload: hex("ff 00") }, "010200000000", "ff00"],
  ["no payload", { ...base, payload: hex("") }, "010100000000", ""],
  ["dropped", { ...base, onSlow: "drop" }, "010101000000", "6869"],
  ["a key", { ...base, onSlow: "conflate", key: "k\u20ac" }, "010102000004", "6be282ac6869"],
  ["closed", { ...base, onSlow: "close" }, "010103000000", "6869"],
];

for (const [what, envelope, start, end] of ENVELOPES) {
  Deno.test(`an envelope with ${what} survives writing and reading`, () => {
    const bytes = writeEnvelope(envelope);
    assert.equal(toHex(bytes), start + toHex(origin) + "00".repeat(12) + end);
    assert.deepEqual(readEnvelope(bytes), envelope);
  });
}

Deno.test("the counter and the excluded connection survive writing and reading", () => {
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

Deno.test("a key of maximum length survives writing and reading", () => {
  const key = "k".repeat(MAX_KEY_BYTES);
  assert.deepEqual(readEnvelope(writeEnvelope({ ...base, key })), { ...base, key });
});

Deno.test("keeps a byte order mark in the key and in the payload", () => {
  const envelope = { ...base, key: "\ufeffk", payload: utf8("\ufefft") };
  assert.deepEqual(readEnvelope(writeEnvelope(envelope)), envelope);
});

const good = writeEnvelope({ ...base, key: "key" });

/** The envelope with another byte. */
function changed(index: number, byte: number): Uint8Array {
  const bytes = good.slice();
  bytes[index] = byte;
  return bytes;
}

const GARBLED: readonly [what: string, bytes: Uint8Array][] = [
  ["nothing", hex("")],
  ["another version", changed(0, 2)],
  ["another type", changed(1, 3)],
  ["no type", changed(1, 0)],
  ["another policy", changed(2, 4)],
  ["a key longer than all", changed(3, 1)],
  ["a key that is not UTF-8", changed(34, 0xff)],
  ["text that is not UTF-8", concat(good, hex("ff"))],
  ["the message of another program", utf8('{"type":"hello","from":"another program"}')],
];

for (const [what, bytes] of GARBLED) {
  Deno.test(`rejects ${what} as an envelope`, () => assert.equal(readEnvelope(bytes), undefined));
}

Deno.test("rejects an envelope that is truncated before its payload", () => {
  const payloadStart = good.length - base.payload.length;
  for (let length = 0; length < payloadStart; length++) {
    assert.equal(readEnvelope(good.subarray(0, length)), undefined, `${length} bytes`);
  }
});

Deno.test("an envelope with text is valid UTF-8 as a whole and recognized as such", () => {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for (const key of ["", "k\u20ac", "k".repeat(200), "k".repeat(MAX_KEY_BYTES)]) {
    const bytes = writeEnvelope({ ...base, key });
    assert.ok(decoder.decode(bytes).endsWith(`${key}hi`));
    assert.ok(isTextEnvelope(bytes));
    assert.ok(!isTextEnvelope(writeEnvelope({ ...base, key, isText: false })));
  }
  assert.ok(!isTextEnvelope(hex("")));
});
