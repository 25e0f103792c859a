import assert from "node:assert/strict";
import { BitInput } from "../../src/deflate/bits.ts";
import {
  dynamicDistances,
  dynamicLiterals,
  readDynamicCodes,
} from "../../src/deflate/decode_tables.ts";
import { Bits, type Lengths } from "./bits.ts";

function read(stream: Bits): BitInput {
  const bytes = stream.bytes();
  const input = new BitInput();
  input.open(bytes, 0, bytes.length);
  readDynamicCodes(input);
  return input;
}

/** Starts a dynamic header, up to and including the code length code defined by `words`. */
function repeating(literals: number, distances: number): Bits {
  const stream = new Bits().put(literals - 257, 5).put(distances - 1, 5).put(6 - 4, 4);
  // For 16, 17, 18, 0, 8 and 7.
  for (const length of [3, 3, 3, 1, 3, 0]) stream.put(length, 3);
  return stream;
}

/** The codewords of the code length code in `repeating`. */
const words: Record<number, [code: number, length: number]> = {
  0: [0b0, 1],
  8: [0b100, 3],
  16: [0b101, 3],
  17: [0b110, 3],
  18: [0b111, 3],
};

function runs(stream: Bits, ...symbols: [symbol: number, extra?: number, bits?: number][]): Bits {
  for (const [symbol, extra = 0, bits = 0] of symbols) {
    stream.word(...words[symbol]).put(extra, bits);
  }
  return stream;
}

Deno.test("reads a dynamic header up to its last bit", () => {
  const literals: Lengths = { 65: 2, 256: 2, 257: 1 };
  const input = read(new Bits().codes(literals, { 0: 1, 1: 1 }, 258, 2).put(0x2a5, 10));
  assert.equal(input.take(10), 0x2a5);
  assert.equal(dynamicLiterals.rootBits, 2);
  assert.equal(dynamicDistances.rootBits, 1);
});

Deno.test("repeats code lengths, and a run of zeros may extend from one code into the next", () => {
  const stream = runs(repeating(260, 30), [0], [8]);
  // 256 codewords of 8 bits: 1 + 42 * 6 + 3.
  for (let run = 0; run < 42; run++) runs(stream, [16, 3, 2]);
  runs(stream, [16, 0, 2]);
  // Symbols 257 to 259 and all 30 distances.
  runs(stream, [18, 33 - 11, 7]).put(0x155, 9);
  const input = read(stream);
  assert.equal(input.take(9), 0x155);
  assert.equal(dynamicLiterals.rootBits, 8);
  assert.equal(dynamicDistances.rootBits, 1);
});

Deno.test("a short run has 3 to 10 zeros, a long run 11 to 138", () => {
  const literals = (stream: Bits): Bits => {
    // Symbols 1 to 256.
    for (let one = 0; one < 256; one++) runs(stream, [8]);
    return stream;
  };
  for (
    const [symbol, extra, bits, count] of [[17, 0, 3, 3], [17, 7, 3, 10], [18, 0, 7, 11], [
      18,
      17,
      7,
      28,
    ]]
  ) {
    const stream = literals(runs(repeating(257, count + 1), [0]));
    runs(stream, [symbol, extra, bits], [0]).put(0x155, 9).align();
    const input = read(stream);
    assert.equal(input.take(9), 0x155);
    assert.equal(dynamicLiterals.rootBits, 8);
  }
});

Deno.test("rejects a run that exceeds the last symbol", () => {
  for (const [symbol, extra, bits] of [[16, 0, 2], [17, 0, 3], [18, 0, 7]]) {
    const stream = runs(repeating(257, 1), [0]);
    for (let one = 0; one < 255; one++) runs(stream, [8]);
    runs(stream, [symbol, extra, bits]).put(0, 64);
    assert.throws(() => read(stream), /exceeds the last symbol/);
  }
});

Deno.test("rejects a dynamic header that is truncated at any bit", () => {
  const whole = new Bits().codes({ 65: 1, 256: 1 }, { 0: 1 }).bytes();
  for (let end = 0; end < whole.length - 1; end++) {
    const input = new BitInput();
    input.open(whole.subarray(0, end), 0, end);
    assert.throws(() => readDynamicCodes(input), { name: "InflateError" });
  }
});
