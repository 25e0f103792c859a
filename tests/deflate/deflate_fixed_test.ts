import assert from "node:assert/strict";
import { BitOutput } from "../../src/deflate/bits.ts";
import { deflateFixed } from "../../src/deflate/block_writer.ts";
import { PositionTable } from "../../src/deflate/match_finder.ts";
import { TextBuffer } from "../../src/deflate/match_finder.ts";
import { Random } from "../support/random.ts";
import { Bits } from "./bits.ts";
import { kinds, message } from "./corpus.ts";
import { concat, zlibInflate } from "./oracles.ts";

/** Compresses bytes into a block with fixed codes, followed by a sync flush. */
function compress(bytes: Uint8Array, windowBits = 15, piece = 65536): Uint8Array {
  const text = new TextBuffer();
  const output = new BitOutput(bytes.length + (bytes.length >>> 3) + 16);
  const table = new PositionTable(new Uint16Array(1 << 12));
  text.open(new Uint8Array(0), 0);
  output.open();
  output.put(0b010, 3);
  for (let from = 0; from < bytes.length; from += piece) {
    table.move(text.append(bytes, from, Math.min(from + piece, bytes.length)));
    deflateFixed(text, output, table, 1 << windowBits);
  }
  output.put(0, 7);
  output.put(0, 3);
  output.alignToByte();
  const target = new Uint8Array(output.position);
  output.take(target, 0);
  return target;
}

Deno.test("encodes literals, lengths and distances with the codes of RFC 1951 3.2.6", () => {
  const text = String.fromCharCode(0, 143, 144, 255);
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  const literals = new Bits().block("fixed").fixedText(text);
  assert.deepEqual(compress(bytes), literals.fixedEnd().flush().bytes());
  const match = new Bits().block("fixed").fixedText(text).fixed(258).fixedDistance(3);
  assert.deepEqual(compress(concat(bytes, bytes)), match.fixedEnd().flush().bytes());
  const run = new Bits().block("fixed").fixedText("A").fixed(285).fixedDistance(0);
  assert.deepEqual(compress(new Uint8Array(259).fill(65)), run.fixedEnd().flush().bytes());
});

Deno.test("zlib decodes every length", () => {
  const random = new Random(71);
  for (let length = 4; length <= 258; length++) {
    const bytes = random.bytes(300);
    const repeated = concat(bytes, bytes.subarray(0, length), random.bytes(5));
    assert.deepEqual(Uint8Array.from(zlibInflate(compress(repeated))!.bytes), repeated);
  }
});

/** Returns a marker that repeats at a given distance, with zeros in between. */
function again(random: Random, distance: number): Uint8Array {
  const marker = random.bytes(16);
  return concat(marker, new Uint8Array(distance - marker.length), marker);
}

Deno.test("encodes distances of every power of two and its neighbors", () => {
  const random = new Random(72);
  for (let bits = 5; bits <= 15; bits++) {
    for (const distance of [(1 << bits) - 1, 1 << bits, (1 << bits) + 1]) {
      const bytes = again(random, distance);
      const payload = compress(bytes);
      assert.deepEqual(Uint8Array.from(zlibInflate(payload)!.bytes), bytes);
      const zeros = Math.ceil(distance / 258);
      // The second marker takes less than 4 bytes, unless its distance exceeds the largest window.
      assert.equal(payload.length < 16 * 9 / 8 + zeros * 13 / 8 + 8, distance <= 32768);
    }
  }
});

Deno.test("no distance exceeds the window", () => {
  const random = new Random(73);
  for (let bits = 8; bits <= 14; bits++) {
    const bytes = again(random, (1 << bits) + 1);
    const saved = compress(bytes, bits).length - compress(bytes, bits + 1).length;
    assert(saved > 10, `${bits} bits`);
    const near = again(random, 1 << bits);
    assert.equal(compress(near, bits).length, compress(near, bits + 1).length);
  }
});

Deno.test("writes all parts of a message into one block", () => {
  const random = new Random(74);
  for (const kind of kinds) {
    const bytes = message(random, kind, 200000);
    for (const piece of [65536, 40001]) {
      assert.deepEqual(Uint8Array.from(zlibInflate(compress(bytes, 15, piece))!.bytes), bytes);
    }
  }
});
