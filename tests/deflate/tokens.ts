// Reads the encoder's tokens.

import { MATCH } from "../../src/deflate/match_finder.ts";
import { DISTANCE_BASE, LENGTH_BASE } from "../../src/deflate/tables.ts";
import type { TokenBlock } from "../../src/deflate/match_finder.ts";

/** A literal, or a match. */
export type Token = number | { length: number; distance: number };

/** Returns the tokens of a block. */
export function readTokens(block: TokenBlock): Token[] {
  return Array.from(block.tokens.subarray(0, block.count), (token) => {
    if ((token & MATCH) === 0) return token;
    return {
      length: LENGTH_BASE[token & 31] + (token >>> 5 & 31),
      distance: DISTANCE_BASE[token >>> 10 & 31] + (token >>> 15 & 0x1fff),
    };
  });
}

/** Expands tokens after earlier bytes. */
export function expand(tokens: readonly Token[], before: Uint8Array): Uint8Array {
  const bytes = Array.from(before);
  for (const token of tokens) {
    if (typeof token === "number") {
      bytes.push(token);
      continue;
    }
    for (let left = token.length; left > 0; left--) {
      bytes.push(bytes[bytes.length - token.distance]);
    }
  }
  return Uint8Array.from(bytes.slice(before.length));
}
