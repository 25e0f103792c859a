import assert from "node:assert/strict";
import {
  type Alphabet,
  CODE_LENGTH_ALPHABET,
  CONSUMED,
  DISTANCE_ALPHABET,
  INVALID,
  LITERAL_ALPHABET,
  SUBTABLE,
} from "../../src/deflate/decode_tables.ts";
import { DecodeTable } from "../../src/deflate/decode_tables.ts";
import { InflateError } from "../../src/deflate/bits.ts";
import { Random } from "../support/random.ts";

const entries = Int32Array.from({ length: 286 }, (_, symbol) => symbol << 16);
const plain: Alphabet = { name: "test", entries, mayHaveOneCodeword: true, mayBeEmpty: true };

/** Decodes the codeword at the start of `bits`, whose first bit is the least significant. */
function decode(table: DecodeTable, bits: number): [symbol: number, length: number] {
  let entry = table.entries[bits & (1 << table.rootBits) - 1];
  if ((entry & SUBTABLE) !== 0) {
    const index = bits >>> (entry & CONSUMED) & (1 << (entry >>> 8 & 15)) - 1;
    entry = table.entries[(entry >>> 16) + index];
  }
  return [(entry & INVALID) !== 0 ? -1 : entry >>> 16, entry & CONSUMED];
}

/** Returns the codewords by RFC 1951 3.2.2, as strings of zeros and ones. */
function canonicalCodewords(lengths: Uint8Array): Map<number, string> {
  const codewords = new Map<number, string>();
  let code = 0;
  for (let length = 1; length <= 15; length++) {
    for (const [symbol, itsLength] of lengths.entries()) {
      if (itsLength === length) codewords.set(symbol, (code++).toString(2).padStart(length, "0"));
    }
    code <<= 1;
  }
  return codewords;
}

/** Returns the lengths of a complete code of `count` codewords, split at random. */
function randomLengths(random: Random, count: number, skew: number): Uint8Array {
  const codewords = [0];
  while (codewords.length < count) {
    // A high skew mostly splits the newest codewords.
    const back = random.below(1 + random.below(Math.ceil(codewords.length / skew)));
    const at = codewords.length - 1 - back;
    if (codewords[at] === 15) {
      codewords.unshift(codewords.splice(at, 1)[0]);
      if (codewords.every((length) => length === 15)) break;
      continue;
    }
    codewords[at]++;
    codewords.push(codewords[at]);
  }
  const lengths = new Uint8Array(286);
  const symbols = Array.from(lengths.keys());
  for (const length of codewords) {
    lengths[symbols.splice(random.below(symbols.length), 1)[0]] = length;
  }
  return lengths;
}

Deno.test("decodes the example of RFC 1951 3.2.2", () => {
  const table = new DecodeTable(plain, 9, 512);
  table.build(Uint8Array.of(3, 3, 3, 3, 3, 2, 4, 4));
  const codewords = ["010", "011", "100", "101", "110", "00", "1110", "1111"];
  codewords.forEach((codeword, symbol) => {
    const bits = parseInt(Array.from(codeword).reverse().join(""), 2);
    assert.deepEqual(decode(table, bits), [symbol, codeword.length]);
  });
});

Deno.test("decodes every codeword of every code, for any following bits", () => {
  const random = new Random(21);
  const table = new DecodeTable(plain, 10, 1332);
  for (let run = 0; run < 60; run++) {
    const lengths = randomLengths(random, 2 + random.below(285), 1 + random.below(30));
    table.build(lengths);
    for (const [symbol, codeword] of canonicalCodewords(lengths)) {
      const bits = parseInt(Array.from(codeword).reverse().join(""), 2);
      for (const rest of [0, -1, random.below(1 << 15)]) {
        assert.deepEqual(decode(table, bits | rest << codeword.length), [symbol, codeword.length]);
      }
    }
  }
});

Deno.test("the documented table size is sufficient for the longest codes", () => {
  const random = new Random(22);
  for (const [codewords, rootBits, capacity] of [[286, 10, 1332], [30, 7, 400]]) {
    let most = 0;
    for (let run = 0; run < 300; run++) {
      const table = new DecodeTable(plain, rootBits, 4096);
      table.entries.fill(-1);
      table.build(randomLengths(random, codewords, 1 + random.below(60)));
      const used = table.entries.findLastIndex((entry) => entry !== -1) + 1;
      assert(used <= capacity, `${used} slots`);
      most = Math.max(most, used);
    }
    assert(most > 1 << rootBits, "some codes need more than the root table");
  }
});

Deno.test("rejects invalid code lengths for each kind of code", () => {
  const bad = {
    "over-subscribed": [[1, 1, 1], [2, 2, 2, 2, 2], [1, 2, 3, 3, 15]],
    "incomplete": [[2], [1, 2], [2, 2, 2], [15, 15]],
  };
  for (const alphabet of [LITERAL_ALPHABET, DISTANCE_ALPHABET, CODE_LENGTH_ALPHABET]) {
    const table = new DecodeTable(alphabet, 7, 4096);
    for (const [fault, sets] of Object.entries(bad)) {
      for (const lengths of sets) {
        assert.throws(
          () => table.build(Uint8Array.from(lengths)),
          (error) =>
            error instanceof InflateError && error.code === "corrupt" &&
            error.message === `${alphabet.name} code is ${fault}`,
        );
      }
    }
  }
});

Deno.test("accepts a single codeword of one bit, except for the code length code", () => {
  const lengths = Uint8Array.of(0, 0, 1);
  for (const alphabet of [LITERAL_ALPHABET, DISTANCE_ALPHABET]) {
    const table = new DecodeTable(alphabet, 7, 128);
    table.build(lengths);
    assert.equal(decode(table, 0)[1], 1);
    assert.equal(decode(table, 1)[0], -1);
  }
  const table = new DecodeTable(CODE_LENGTH_ALPHABET, 7, 128);
  assert.throws(() => table.build(lengths), /incomplete/);
});

Deno.test("accepts an empty distance code, and rejects each use of it", () => {
  const lengths = new Uint8Array(30);
  const table = new DecodeTable(DISTANCE_ALPHABET, 7, 128);
  table.build(Uint8Array.of(1, 1));
  table.build(lengths);
  assert.equal(decode(table, 0)[0], -1);
  assert.equal(decode(table, 1)[0], -1);
  for (const alphabet of [LITERAL_ALPHABET, CODE_LENGTH_ALPHABET]) {
    const table = new DecodeTable(alphabet, 7, 128);
    assert.throws(() => table.build(lengths), /has no codewords/);
  }
});

Deno.test("reads code lengths from part of a longer list", () => {
  const table = new DecodeTable(plain, 9, 512);
  const symbols = Uint16Array.of(3, 9, 260, 264, 265, 300);
  const lengths = Uint8Array.of(1, 1, 1, 2, 2, 1);
  table.buildUsed(symbols, lengths, 2, 5, 257);
  assert.deepEqual(decode(table, 0b0), [3, 1]);
  assert.deepEqual(decode(table, 0b01), [7, 2]);
  assert.deepEqual(decode(table, 0b11), [8, 2]);
});
