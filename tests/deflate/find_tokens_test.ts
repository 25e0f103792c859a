import assert from "node:assert/strict";
import { findTokens } from "../../src/deflate/match_finder.ts";
import { PositionTable, SharedPositionTable } from "../../src/deflate/match_finder.ts";
import { TextBuffer } from "../../src/deflate/match_finder.ts";
import { TokenBlock } from "../../src/deflate/match_finder.ts";
import { Random } from "../support/random.ts";
import { kinds, message } from "./corpus.ts";
import { concat } from "./oracles.ts";
import { expand, readTokens, type Token } from "./tokens.ts";

const encoder = new TextEncoder();

/** Returns the tokens of a message that follows a history. */
function tokensOf(bytes: Uint8Array, history = new Uint8Array(0), windowBits = 15): Token[] {
  const text = new TextBuffer();
  const block = new TokenBlock();
  const near = new PositionTable(new Uint16Array(1 << 12));
  const far = new SharedPositionTable();
  text.open(history, history.length);
  far.begin(history.length, bytes.length);
  text.append(bytes, 0, bytes.length);
  const tokens: Token[] = [];
  for (let at = text.start; at < text.end;) {
    block.open();
    const to = findTokens(block, text, at, near, far, 1 << windowBits);
    assert(to > at);
    const found = readTokens(block);
    assertCounted(block, found);
    assert.equal(expand(found, history.slice(0, 0)).length, to - at);
    tokens.push(...found);
    at = to;
  }
  return tokens;
}

/** Asserts that the block's frequencies match its tokens. */
function assertCounted(block: TokenBlock, tokens: Token[]): void {
  const literals = tokens.filter((token) => typeof token === "number");
  const sum = (frequencies: Int32Array) => frequencies.reduce((all, one) => all + one, 0);
  for (const byte of [0, 32, 101, 255]) {
    assert.equal(block.literals[byte], literals.filter((literal) => literal === byte).length);
  }
  assert.equal(block.literals[256], 1);
  assert.equal(sum(block.literals), tokens.length + 1);
  assert.equal(sum(block.distances), tokens.length - literals.length);
}

Deno.test("tokens expand to the original message for any input", () => {
  const random = new Random(61);
  for (const kind of kinds) {
    for (const size of [1, 2, 3, 4, 5, 7, 8, 9, 100, 3000, 65536]) {
      const bytes = message(random, kind, size);
      assert.deepEqual(expand(tokensOf(bytes), new Uint8Array(0)), bytes);
    }
  }
});

Deno.test("no distance exceeds the window", () => {
  const random = new Random(62);
  for (let bits = 8; bits <= 15; bits++) {
    const marker = random.bytes(16);
    // A repetition at exactly the window size is found; one byte farther away it is not.
    for (const between of [0, 1]) {
      const bytes = concat(marker, new Uint8Array((1 << bits) - 16 + between), marker);
      const tokens = tokensOf(bytes, undefined, bits);
      const distances = tokens.flatMap((token) => typeof token === "number" ? [] : token.distance);
      assert.equal(distances.includes(1 << bits), between === 0, `${bits} bits`);
      assert(distances.every((distance) => distance <= 1 << bits));
      assert.deepEqual(expand(tokens, new Uint8Array(0)), bytes);
    }
  }
});

Deno.test("finds the longest match, up to 258 bytes", () => {
  assert.deepEqual(tokensOf(encoder.encode("abcdabcd")), [97, 98, 99, 100, {
    length: 4,
    distance: 4,
  }]);
  assert.deepEqual(tokensOf(new Uint8Array(1 + 258 + 258 + 10)), [
    0,
    { length: 258, distance: 1 },
    { length: 258, distance: 1 },
    { length: 10, distance: 1 },
  ]);
});

Deno.test("prefers a longer match that starts one byte later", () => {
  const tokens = tokensOf(encoder.encode("abcd--bcdefghi--abcdefghi"));
  assert.deepEqual(tokens.slice(-2), [97, { length: 8, distance: 11 }]);
});

Deno.test("refers to the history only where the position table has an entry", () => {
  const history = encoder.encode("the quick brown fox jumps");
  const text = new TextBuffer();
  const block = new TokenBlock();
  const near = new PositionTable(new Uint16Array(1 << 10));
  const far = new SharedPositionTable();
  // The first call fills the near table, as in an encoder with a context.
  text.open(new Uint8Array(0), 0);
  far.begin(0, history.length);
  text.append(history, 0, history.length);
  block.open();
  findTokens(block, text, 0, near, far, 32768);

  text.open(history, history.length);
  far.begin(history.length, 15);
  text.append(encoder.encode("a quick brown b"), 0, 15);
  block.open();
  assert.equal(findTokens(block, text, text.start, near, far, 32768), text.end);
  assert.deepEqual(readTokens(block), [97, { length: 13, distance: 23 }, 98]);
});

Deno.test("the next block continues where a full block ends", () => {
  const bytes = new Random(63).bytes(40000);
  const text = new TextBuffer();
  const block = new TokenBlock();
  const near = new PositionTable(new Uint16Array(1 << 12));
  const far = new SharedPositionTable();
  text.open(new Uint8Array(0), 0);
  far.begin(0, bytes.length);
  text.append(bytes, 0, bytes.length);
  let at = 0;
  const counts: number[] = [];
  while (at < text.end) {
    block.open();
    at = findTokens(block, text, at, near, far, 32768);
    counts.push(block.count);
  }
  assert.equal(counts.length, 3);
  assert(counts.every((count) => count <= block.tokens.length));
  assert(counts[0] >= block.capacity && counts[1] >= block.capacity);
});
