import assert from "node:assert/strict";
import {
  assignWords,
  FIXED_DISTANCE_WORDS,
  FIXED_LITERAL_WORDS,
} from "../../src/deflate/encode_codes.ts";
import { Bits } from "./bits.ts";

/** Returns a packed codeword as a string of bits in stream order. */
function text(packed: number): string {
  return Array.from(
    { length: packed & 15 },
    (_, bit) => String(packed >>> 4 + bit & 1),
  ).join("");
}

Deno.test("produces the codewords of the example in RFC 1951 3.2.2", () => {
  const words = new Int32Array(8);
  assignWords(Uint8Array.of(3, 3, 3, 3, 3, 2, 4, 4), 8, words);
  assert.deepEqual(
    Array.from(words, text),
    ["010", "011", "100", "101", "110", "00", "1110", "1111"],
  );
});

Deno.test("symbols of length 0 have no codeword, and codewords may have 11 bits", () => {
  const lengths = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11, 0);
  const words = new Int32Array(14).fill(-1);
  assignWords(lengths, 14, words);
  assert.equal(words[0], 0);
  assert.equal(words[13], 0);
  assert.equal(text(words[1]), "0");
  assert.equal(text(words[11]), "11111111110");
  assert.equal(text(words[12]), "11111111111");
});

Deno.test("the fixed codewords match RFC 1951 3.2.6", () => {
  const packed = (bits: Bits, length: number): number => {
    const [low, high = 0] = bits.bytes();
    return (low | high << 8) << 4 | length;
  };
  for (let symbol = 0; symbol < 288; symbol++) {
    const length = symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8;
    assert.equal(FIXED_LITERAL_WORDS[symbol], packed(new Bits().fixed(symbol), length));
  }
  for (let symbol = 0; symbol < 32; symbol++) {
    assert.equal(FIXED_DISTANCE_WORDS[symbol], packed(new Bits().fixedDistance(symbol), 5));
  }
});
