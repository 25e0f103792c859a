import assert from "node:assert/strict";
import { BitOutput } from "../../src/deflate/bits.ts";
import { writeBlock } from "../../src/deflate/block_writer.ts";
import { findTokens } from "../../src/deflate/match_finder.ts";
import { PositionTable, SharedPositionTable } from "../../src/deflate/match_finder.ts";
import { TextBuffer } from "../../src/deflate/match_finder.ts";
import { TokenBlock } from "../../src/deflate/match_finder.ts";
import { Random } from "../support/random.ts";
import { kinds, message } from "./corpus.ts";
import { zlibInflate } from "./oracles.ts";

/** Compresses a message into one block, followed by a sync flush. */
function compress(bytes: Uint8Array): Uint8Array {
  const text = new TextBuffer();
  const block = new TokenBlock();
  const far = new SharedPositionTable();
  const output = new BitOutput(bytes.length + 100);
  text.open(new Uint8Array(0), 0);
  far.begin(0, bytes.length);
  text.append(bytes, 0, bytes.length);
  block.open();
  output.open();
  const to = findTokens(block, text, 0, new PositionTable(new Uint16Array(1 << 12)), far, 32768);
  assert.equal(to, bytes.length);
  writeBlock(output, block, text.bytes, 0, to);
  output.put(0, 3);
  output.alignToByte();
  const target = new Uint8Array(output.position);
  output.take(target, 0);
  return target;
}

function typeOf(payload: Uint8Array): number {
  return payload[0] >> 1 & 3;
}

Deno.test("zlib decompresses every block type", () => {
  const random = new Random(91);
  const types = new Set<number>();
  for (const kind of kinds) {
    for (const size of [1, 2, 5, 30, 100, 400, 3000, 16000]) {
      const bytes = message(random, kind, size);
      const payload = compress(bytes);
      types.add(typeOf(payload));
      assert.deepEqual(Uint8Array.from(zlibInflate(payload)!.bytes), bytes);
    }
  }
  assert.deepEqual(Array.from(types).sort(), [0, 1, 2]);
});

Deno.test("uses fixed codes for short data, dynamic codes for long text, and stored blocks for random data", () => {
  const random = new Random(92);
  assert.equal(typeOf(compress(new Uint8Array(100))), 1);
  assert.equal(typeOf(compress(message(random, "text", 2000))), 2);
  const noise = random.bytes(5000);
  assert.equal(typeOf(compress(noise)), 0);
  // The block type, LEN and NLEN, the bytes, and the flush.
  assert.equal(compress(noise).length, 1 + 4 + 5000 + 1);
});

Deno.test("splits more than 65535 stored bytes into two blocks", () => {
  const text = new TextBuffer();
  const block = new TokenBlock();
  const output = new BitOutput(70000);
  const noise = new Random(93).bytes(65536);
  text.open(new Uint8Array(0), 0);
  text.append(noise, 0, 65536);
  block.open();
  // Frequencies of incompressible data: each byte is a literal of 8 bits.
  block.literals.fill(256, 0, 256);
  output.open();
  writeBlock(output, block, text.bytes, 0, 65536);
  output.put(0, 3);
  output.alignToByte();
  const payload = output.bytes.slice(0, output.position);
  assert.equal(payload.length, 65536 + 2 * 5 + 1);
  assert.deepEqual(Uint8Array.from(zlibInflate(payload)!.bytes), noise);
});

Deno.test("no block type exceeds the message by more than five bytes", () => {
  const random = new Random(94);
  for (let size = 1; size < 300; size++) {
    for (const kind of kinds) {
      const bytes = message(random, kind, size);
      assert(compress(bytes).length <= size + 6);
    }
  }
});
