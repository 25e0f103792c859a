import assert from "node:assert/strict";
import {
  BLOCK_END,
  CODE_LENGTH_ALPHABET,
  CONSUMED,
  DISTANCE_ALPHABET,
  INVALID,
  LITERAL,
  LITERAL_ALPHABET,
  SPECIAL,
} from "../../src/deflate/decode_tables.ts";

Deno.test("a literal entry is negative and has the byte in its low 8 bits", () => {
  for (let byte = 0; byte < 256; byte++) {
    const entry = LITERAL_ALPHABET.entries[byte];
    assert(entry < 0);
    assert.equal(entry & LITERAL, LITERAL);
    assert.equal(Uint8Array.of(entry >>> 16)[0], byte);
  }
});

Deno.test("only the end of the block and invalid symbols are special entries", () => {
  assert.equal(LITERAL_ALPHABET.entries[256], BLOCK_END);
  const special = (entries: Int32Array) =>
    Array.from(entries.keys()).filter((symbol) => (entries[symbol] & SPECIAL) !== 0);
  assert.deepEqual(special(LITERAL_ALPHABET.entries), [256, 286, 287]);
  assert.deepEqual(special(DISTANCE_ALPHABET.entries), [30, 31]);
  assert.deepEqual(special(CODE_LENGTH_ALPHABET.entries), []);
  assert.equal(LITERAL_ALPHABET.entries[286], INVALID);
});

Deno.test("length and distance entries have a base and a number of extra bits", () => {
  const rows: [entries: Int32Array, symbol: number, base: number, extra: number][] = [
    [LITERAL_ALPHABET.entries, 257, 3, 0],
    [LITERAL_ALPHABET.entries, 265, 11, 1],
    [LITERAL_ALPHABET.entries, 284, 227, 5],
    [LITERAL_ALPHABET.entries, 285, 258, 0],
    [DISTANCE_ALPHABET.entries, 0, 1, 0],
    [DISTANCE_ALPHABET.entries, 29, 24577, 13],
    [CODE_LENGTH_ALPHABET.entries, 18, 18, 0],
  ];
  for (const [entries, symbol, base, extra] of rows) {
    assert.equal(entries[symbol] >>> 16, base);
    assert.equal(entries[symbol] & CONSUMED, extra);
  }
});
