// A message compressed in slices must decompress like one that is compressed as a whole.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { constants, inflateRawSync } from "node:zlib";
import { ContextMemories } from "../../src/message/memory_governor.ts";
import { PermessageDeflate } from "../../src/message/permessage.ts";
import { PERMESSAGE_RULES } from "../support/permessage_rules.ts";

const ALONE = { takeover: false, windowBits: 15 };

const JSON_LINES = Array.from(
  { length: 12_000 },
  (_, id) => `{"id":${id},"name":"user ${id * 7919 % 1000}","score":${id * 104_729 % 9973 / 7}}\n`,
).join("");

function slicesOf(message: Uint8Array, direction = ALONE): Uint8Array {
  const slices = new PermessageDeflate(PERMESSAGE_RULES, ALONE, direction).deflateSlices(message);
  let count = 1;
  while (!slices.compressNext()) count++;
  assert.equal(count, Math.ceil(message.length / (128 * 1024)));
  assert.equal(slices.isComplete, true);
  const target = new Uint8Array(slices.size + 3);
  slices.writeTo(target, 3);
  return target.subarray(3);
}

function inflate(payload: Uint8Array, windowBits = 15): Uint8Array {
  return inflateRawSync(Buffer.concat([payload, Uint8Array.of(0, 0, 0xff, 0xff)]), {
    finishFlush: constants.Z_SYNC_FLUSH,
    windowBits,
  });
}

for (const windowBits of [9, 15]) {
  Deno.test(`messages of every size compressed in slices inflate correctly, window ${windowBits}`, () => {
    const text = new TextEncoder().encode(JSON_LINES);
    for (const length of [1, 131_071, 131_072, 131_073, 300_000, text.length]) {
      const message = text.subarray(0, length);
      const payload = slicesOf(message, { takeover: false, windowBits });
      assert.ok(Buffer.compare(inflate(payload, windowBits), message) === 0, `${length} bytes`);
    }
  });
}

Deno.test("compressing in slices makes the output at most 1 percent longer", () => {
  const message = new TextEncoder().encode(JSON_LINES);
  const whole = new Uint8Array(message.length);
  const end = new PermessageDeflate(PERMESSAGE_RULES, ALONE, ALONE)
    .deflate(message, 0, message.length, whole, 0);
  const { length } = slicesOf(message);
  assert.ok(length <= end * 1.01, `${length} instead of ${end} bytes`);
});

Deno.test("dropping contexts between slices does not affect the result", () => {
  const message = new TextEncoder().encode(JSON_LINES);
  // Bun and Node run all unit tests in one process.
  const before = ContextMemories.ofProcess.byteLength;
  const compression = new PermessageDeflate(PERMESSAGE_RULES, ALONE, {
    takeover: true,
    windowBits: 15,
  });
  const slices = compression.deflateSlices(message);
  while (!slices.compressNext()) ContextMemories.ofProcess.limit(0);
  const target = new Uint8Array(slices.size);
  slices.writeTo(target, 0);
  assert.ok(Buffer.compare(inflate(target), message) === 0);
  compression.close();
  const { byteLength } = ContextMemories.ofProcess;
  assert.ok(byteLength <= before, `${byteLength} bytes, ${before} before`);
});

Deno.test("releases the context after an incompressible message", () => {
  const compression = new PermessageDeflate(PERMESSAGE_RULES, ALONE, {
    takeover: true,
    windowBits: 15,
  });
  const noise = crypto.getRandomValues(new Uint8Array(60_000));
  const message = new Uint8Array(6 * noise.length);
  for (let i = 0; i < 6; i++) message.set(crypto.getRandomValues(noise), i * noise.length);
  const slices = compression.deflateSlices(message);
  while (!slices.compressNext());
  assert.equal(slices.isSmaller, false);
  assert.equal(compression.contextSize, 0);
  compression.close();
});
