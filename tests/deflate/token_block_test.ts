import assert from "node:assert/strict";
import { TokenBlock } from "../../src/deflate/match_finder.ts";

Deno.test("a new block contains only its end symbol", () => {
  const block = new TokenBlock();
  block.open();
  block.literals[65] = 9;
  block.literals[256] = 9;
  block.distances[3] = 9;
  block.count = 9;
  block.open();
  assert.equal(block.count, 0);
  assert.equal(block.literals[256], 1);
  assert.equal(block.literals.reduce((sum, frequency) => sum + frequency, 0), 1);
  assert.equal(block.distances.reduce((sum, frequency) => sum + frequency, 0), 0);
});

Deno.test("a full block still accepts the tokens of one search step", () => {
  const block = new TokenBlock();
  assert(block.tokens.length >= block.capacity + 1024 + 3);
});
