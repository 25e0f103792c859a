import assert from "node:assert/strict";
import { BitInput } from "../../src/deflate/bits.ts";
import { DISTANCE_ALPHABET, LITERAL_ALPHABET } from "../../src/deflate/decode_tables.ts";
import { fixedDistances, fixedLiterals } from "../../src/deflate/decode_tables.ts";
import { DecodeTable } from "../../src/deflate/decode_tables.ts";
import { inflateBlock } from "../../src/deflate/inflate.ts";
import { OutputPool } from "../../src/deflate/inflate_output.ts";
import { DISTANCE_BASE, DISTANCE_EXTRA_BITS, LENGTH_BASE } from "../../src/deflate/tables.ts";
import { LENGTH_EXTRA_BITS } from "../../src/deflate/tables.ts";
import { Random } from "../support/random.ts";
import { Bits } from "./bits.ts";
import { concat } from "./oracles.ts";

const random = new Random(7);
const filler = random.bytes(33000);

/** Decodes a block after some earlier output. */
function decode(
  before: Uint8Array,
  stream: Bits,
  literals = fixedLiterals,
  distances = fixedDistances,
): Uint8Array {
  const input = new BitInput();
  const output = new OutputPool();
  const bytes = stream.bytes();
  input.open(bytes, 0, bytes.length);
  output.open(1 << 20);
  output.reserve(before.length);
  output.bytes.set(before);
  output.length = before.length;
  inflateBlock(input, output, literals, distances, 32768, undefined);
  return output.message.slice(before.length);
}

/** Returns the expected output of a match (RFC 1951 3.2.3), copied byte by byte. */
function repeated(before: Uint8Array, length: number, distance: number): Uint8Array {
  const bytes = new Uint8Array(distance + length);
  bytes.set(before.subarray(before.length - distance));
  for (let index = distance; index < bytes.length; index++) bytes[index] = bytes[index - distance];
  return bytes.slice(distance);
}

Deno.test("copies every length of every symbol from near and far distances", () => {
  const before = filler.subarray(0, 400);
  for (let symbol = 0; symbol < 29; symbol++) {
    for (let extra = 0; extra < 1 << LENGTH_EXTRA_BITS[symbol]; extra++) {
      const length = LENGTH_BASE[symbol] + extra;
      for (const distance of [1, 2, 3, 4]) {
        const stream = new Bits().fixed(257 + symbol).put(extra, LENGTH_EXTRA_BITS[symbol])
          .fixedDistance(distance - 1).fixedText("end").fixedEnd().put(0, 200);
        const expected = [
          ...repeated(before, length, distance),
          ...new TextEncoder().encode("end"),
        ];
        assert.deepEqual(decode(before, stream), Uint8Array.from(expected));
      }
    }
  }
});

Deno.test("decodes the smallest and the largest distance of every symbol", () => {
  for (let symbol = 0; symbol < 30; symbol++) {
    const bits = DISTANCE_EXTRA_BITS[symbol];
    for (const extra of [0, (1 << bits) - 1]) {
      const distance = DISTANCE_BASE[symbol] + extra;
      // In the middle of a message, and at its end.
      for (const padding of [0, 200]) {
        const stream = new Bits().fixed(258).fixedDistance(symbol).put(extra, bits).fixedEnd()
          .put(0, padding);
        assert.deepEqual(decode(filler, stream), repeated(filler, 4, distance));
      }
    }
  }
});

Deno.test("decodes codewords of all lengths with all extra bits, in both codes", () => {
  // Codes with one codeword of each length from 1 to 14 bits and two of 15. The symbols with the most
  // extra bits have the longest codewords.
  const literalLengths = new Uint8Array(286);
  const literalSymbols = [65, 66, 257, 67, 265, 68, 69, 269, 70, 273, 71, 277, 72, 281, 284, 256];
  literalSymbols.forEach((symbol, index) => literalLengths[symbol] = Math.min(index + 1, 15));
  const distanceLengths = new Uint8Array(30);
  const distanceSymbols = [0, 1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28];
  distanceSymbols.forEach((symbol, index) => distanceLengths[symbol] = Math.min(index + 1, 15));
  const literals = new DecodeTable(LITERAL_ALPHABET, 10, 2048);
  const distances = new DecodeTable(DISTANCE_ALPHABET, 7, 512);
  literals.build(literalLengths);
  distances.build(distanceLengths);

  // The canonical codewords are ones up to a final zero. The last two are in symbol order.
  const word = (stream: Bits, symbol: number, symbols: number[]): Bits => {
    const index = symbols.indexOf(symbol);
    if (index < 14) return stream.word((1 << index + 1) - 2, index + 1);
    const first = Math.min(symbols[14], symbols[15]);
    return stream.word(symbol === first ? 0x7ffe : 0x7fff, 15);
  };
  for (let run = 0; run < 40; run++) {
    const stream = new Bits();
    let expected: Uint8Array = filler;
    for (let count = random.below(40); count > 0; count--) {
      const symbol = random.pick(literalSymbols.slice(0, -1));
      word(stream, symbol, literalSymbols);
      if (symbol < 256) {
        expected = concat(expected, Uint8Array.of(symbol));
        continue;
      }
      const lengthBits = LENGTH_EXTRA_BITS[symbol - 257];
      const lengthExtra = random.below(1 << lengthBits);
      const distanceSymbol = random.pick(distanceSymbols);
      const distanceBits = DISTANCE_EXTRA_BITS[distanceSymbol];
      const distanceExtra = random.below(1 << distanceBits);
      stream.put(lengthExtra, lengthBits);
      word(stream, distanceSymbol, distanceSymbols).put(distanceExtra, distanceBits);
      const match = repeated(
        expected,
        LENGTH_BASE[symbol - 257] + lengthExtra,
        DISTANCE_BASE[distanceSymbol] + distanceExtra,
      );
      expected = concat(expected, match);
    }
    word(stream, 256, literalSymbols);
    assert.deepEqual(decode(filler, stream, literals, distances), expected.slice(filler.length));
  }
});

Deno.test("rejects a block that is truncated at any byte", () => {
  const whole = new Bits().fixedText("abcdefgh").fixed(285).fixedDistance(3).fixedText("xyz")
    .fixedEnd().bytes();
  for (let end = 0; end < whole.length; end++) {
    const input = new BitInput();
    const output = new OutputPool();
    input.open(whole.subarray(0, end), 0, end);
    output.open(1000);
    assert.throws(
      () => inflateBlock(input, output, fixedLiterals, fixedDistances, 32768, undefined),
      /ends within a block/,
    );
  }
});
