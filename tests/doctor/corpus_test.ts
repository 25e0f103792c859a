// The contents of long payloads.

import assert from "node:assert/strict";
import type { SourceName } from "../../doctor/case.ts";
import {
  isTextSource,
  payloadBytes,
  payloadSize,
  SOURCE_TITLES,
  sourceBytes,
} from "../../doctor/corpus.ts";

const names = Object.keys(SOURCE_TITLES) as SourceName[];

/** Computes the FNV-1a hash. */
function hash(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => Math.imul(sum ^ byte, 0x01000193) >>> 0, 0x811c9dc5);
}

Deno.test("the five files have the documented sizes", () => {
  const sizes = (["json", "bitmap", "prose", "html", "pdf"] as const)
    .map((name) => sourceBytes(name).length);
  assert.deepEqual(sizes, [194_056, 263_222, 222_218, 263_527, 1_042_328]);
});

Deno.test("texts are ASCII, so that they can be split anywhere", () => {
  for (const name of names.filter(isTextSource)) {
    assert.ok(sourceBytes(name).every((byte) => byte < 0x80), name);
  }
});

/** The hash of the first 4096 bytes of "json". Results are comparable only if it never changes. */
const JSON_HASH = 95987734;

Deno.test("the contents are the same in every run", () => {
  assert.equal(hash(sourceBytes("json").subarray(0, 4096)), JSON_HASH);
});

Deno.test("prose is UTF-8 with characters beyond ASCII", () => {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(sourceBytes("prose"));
  assert.match(text, /\u00f6/);
});

Deno.test("a long payload repeats its source", () => {
  const { length } = sourceBytes("json");
  const bytes = payloadBytes({ source: "json", size: length + 10, offset: length - 3 });
  assert.equal(bytes.length, length + 10);
  assert.deepEqual(bytes.subarray(0, 3), sourceBytes("json").subarray(length - 3));
  assert.deepEqual(bytes.subarray(3, 13), sourceBytes("json").subarray(0, 10));
  assert.deepEqual(bytes.subarray(3 + length), sourceBytes("json").subarray(0, 7));
});

Deno.test("a payload of bytes is used unchanged", () => {
  const bytes = Uint8Array.of(1, 2, 3);
  assert.equal(payloadBytes(bytes), bytes);
  assert.equal(payloadSize(bytes), 3);
  assert.equal(payloadSize({ source: "stars", size: 7 }), 7);
});
