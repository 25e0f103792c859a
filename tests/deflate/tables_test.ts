import assert from "node:assert/strict";
import {
  CODE_LENGTH_ORDER,
  CODE_LENGTH_SYMBOLS,
  DISTANCE_BASE,
  DISTANCE_EXTRA_BITS,
  DISTANCE_SYMBOLS,
  END_OF_BLOCK,
  FIXED_DISTANCE_LENGTHS,
  FIXED_LITERAL_LENGTHS,
  LENGTH_BASE,
  LENGTH_EXTRA_BITS,
  LITERAL_SYMBOLS,
  MAX_MATCH,
  MIN_MATCH,
} from "../../src/deflate/tables.ts";

Deno.test("each length symbol starts where the previous one ends", () => {
  assert.equal(LENGTH_BASE.length, LITERAL_SYMBOLS - END_OF_BLOCK - 1);
  let next = MIN_MATCH;
  // Symbol 285 is the exception: symbol 284 can also encode 258.
  for (let symbol = 0; symbol < 28; symbol++) {
    assert.equal(LENGTH_BASE[symbol], next);
    next += 1 << LENGTH_EXTRA_BITS[symbol];
  }
  assert.equal(next - 1, MAX_MATCH);
  assert.equal(LENGTH_BASE[28], MAX_MATCH);
  assert.equal(LENGTH_EXTRA_BITS[28], 0);
});

Deno.test("each distance symbol starts where the previous one ends", () => {
  assert.equal(DISTANCE_BASE.length, DISTANCE_SYMBOLS);
  let next = 1;
  for (let symbol = 0; symbol < DISTANCE_SYMBOLS; symbol++) {
    assert.equal(DISTANCE_BASE[symbol], next);
    next += 1 << DISTANCE_EXTRA_BITS[symbol];
  }
  assert.equal(next - 1, 32768);
});

Deno.test("the fixed codes are complete", () => {
  for (const lengths of [FIXED_LITERAL_LENGTHS, FIXED_DISTANCE_LENGTHS]) {
    assert.equal(lengths.reduce((sum, length) => sum + 2 ** -length, 0), 1);
  }
});

Deno.test("the order of code lengths contains each symbol once", () => {
  const symbols = Array.from({ length: CODE_LENGTH_SYMBOLS }, (_, symbol) => symbol);
  assert.deepEqual(Array.from(CODE_LENGTH_ORDER).sort((a, b) => a - b), symbols);
});
