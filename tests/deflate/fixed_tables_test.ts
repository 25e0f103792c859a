import assert from "node:assert/strict";
import { CONSUMED, DISTANCE_ALPHABET, LITERAL_ALPHABET } from "../../src/deflate/decode_tables.ts";
import { fixedDistances, fixedLiterals } from "../../src/deflate/decode_tables.ts";
import { Bits } from "./bits.ts";

Deno.test("decodes the fixed codes of RFC 1951 3.2.6", () => {
  assert.equal(fixedLiterals.rootBits, 9);
  for (let symbol = 0; symbol < 288; symbol++) {
    const [low, high = 0] = new Bits().fixed(symbol).bytes();
    const entry = fixedLiterals.entries[low | high << 8];
    const length = symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8;
    assert.equal(entry >>> 8 & 15, length);
    const expected = LITERAL_ALPHABET.entries[symbol];
    assert.equal(entry & ~0xf00, expected + length);
  }
});

Deno.test("the distance codes of RFC 1951 3.2.6 have 5 bits each", () => {
  assert.equal(fixedDistances.rootBits, 5);
  for (let symbol = 0; symbol < 32; symbol++) {
    const entry = fixedDistances.entries[new Bits().fixedDistance(symbol).bytes()[0]];
    assert.equal(entry & ~0xf00, DISTANCE_ALPHABET.entries[symbol] + 5);
    assert((entry & CONSUMED) >= 5);
  }
});
