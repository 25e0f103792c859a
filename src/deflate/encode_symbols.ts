// The tables of RFC 1951 3.2.5 turned round for the encoder: from a length or a distance to its
// symbol and extra bits, and how both are packed into one token.
//
//   literal   the byte itself, 0 to 255
//   match     bit 30 set; length symbol in bits 0-4, its extra bits in 5-9, distance symbol in
//             10-14, its extra bits in 15-27

import {
  DISTANCE_BASE,
  DISTANCE_EXTRA_BITS,
  DISTANCE_SYMBOLS,
  LENGTH_BASE,
  LENGTH_EXTRA_BITS,
  MAX_MATCH,
} from "./tables.ts";

/** Marks a token that is a match. */
export const MATCH: number = 1 << 30;

/** The part of a token that a length makes, by the length: its symbol less 257, its extra bits. */
export const LENGTH_TOKEN: Uint16Array = lengthTokens();

/**
 * The symbol of a distance, by {@linkcode distanceSlot}: distances over 256 share a symbol with 127
 * neighbours at least.
 */
export const DISTANCE_SYMBOL: Uint8Array = distanceSymbols();

/** By distance symbol: masks the extra bits out of a distance less one. */
export const DISTANCE_EXTRA_MASK: Uint16Array = Uint16Array.from(
  DISTANCE_EXTRA_BITS,
  (bits) => (1 << bits) - 1,
);

/** The index of a distance in {@linkcode DISTANCE_SYMBOL}, by the distance less one. */
export function distanceSlot(distanceLess1: number): number {
  return distanceLess1 < 256 ? distanceLess1 : 256 + (distanceLess1 >>> 7);
}

function lengthTokens(): Uint16Array {
  const tokens = new Uint16Array(MAX_MATCH + 1);
  for (let symbol = 0; symbol < LENGTH_BASE.length; symbol++) {
    const base = LENGTH_BASE[symbol];
    for (let extra = 0; extra < 1 << LENGTH_EXTRA_BITS[symbol]; extra++) {
      // Length 258 could be written with symbol 284 too; 285 comes later and is shorter.
      if (base + extra <= MAX_MATCH) tokens[base + extra] = symbol | extra << 5;
    }
  }
  return tokens;
}

function distanceSymbols(): Uint8Array {
  const symbols = new Uint8Array(512);
  for (let symbol = 0; symbol < DISTANCE_SYMBOLS; symbol++) {
    for (let extra = 0; extra < 1 << DISTANCE_EXTRA_BITS[symbol]; extra++) {
      symbols[distanceSlot(DISTANCE_BASE[symbol] - 1 + extra)] = symbol;
    }
  }
  return symbols;
}
