/*
 * What one slot of a decoding table says, packed into 32 bits so that a symbol costs one load.
 *
 *   literal               bit 31 set, the byte in bits 16-23
 *   length or distance    the base in bits 16-30, the code's own bits in 8-11
 *   link to a subtable    bit 13 set, where it starts in bits 16-30, its index bits in 8-11
 *   end of block          bit 15 set
 *   no such code          bit 14 set
 *
 * Bits 0-4 are always how many bits to consume: the code and, of lengths and distances, the extra
 * bits behind it.
 */

import {
  CODE_LENGTH_SYMBOLS,
  DISTANCE_BASE,
  DISTANCE_EXTRA_BITS,
  DISTANCE_SYMBOLS,
  END_OF_BLOCK,
  LENGTH_BASE,
  LENGTH_EXTRA_BITS,
  LITERAL_SYMBOLS,
} from "./tables.ts";

/** The entry is a literal byte; it is the sign bit, so `entry < 0` asks for it. */
export const LITERAL: number = 1 << 31;
/** The entry ends the block. */
export const BLOCK_END: number = 1 << 15;
/** No symbol has these bits. */
export const INVALID: number = 1 << 14;
/** The code is longer than the root table's index: go on in a subtable. */
export const SUBTABLE: number = 1 << 13;
/** Everything that is neither a literal nor a length nor a distance. */
export const SPECIAL: number = BLOCK_END | INVALID | SUBTABLE;

/** Bits 0-4: how many bits to consume. */
export const CONSUMED: number = 31;

/** The entries of the literal/length symbols, still without the bits of their codes. */
export const LITERAL_ENTRIES: Int32Array = literalEntries();
/** The entries of the distance symbols, still without the bits of their codes. */
export const DISTANCE_ENTRIES: Int32Array = distanceEntries();
/** The entries of the code length symbols, still without the bits of their codes. */
export const CODE_LENGTH_ENTRIES: Int32Array = codeLengthEntries();

function literalEntries(): Int32Array {
  // RFC 1951 3.2.6: symbols 286 and 287 have fixed codes but "will never actually occur".
  const entries = new Int32Array(288).fill(INVALID);
  for (let byte = 0; byte < END_OF_BLOCK; byte++) entries[byte] = LITERAL | byte << 16;
  entries[END_OF_BLOCK] = BLOCK_END;
  for (let symbol = END_OF_BLOCK + 1; symbol < LITERAL_SYMBOLS; symbol++) {
    const index = symbol - END_OF_BLOCK - 1;
    entries[symbol] = LENGTH_BASE[index] << 16 | LENGTH_EXTRA_BITS[index];
  }
  return entries;
}

function distanceEntries(): Int32Array {
  // RFC 1951 3.2.6: distance codes 30 and 31 "will never actually occur".
  const entries = new Int32Array(32).fill(INVALID);
  for (let symbol = 0; symbol < DISTANCE_SYMBOLS; symbol++) {
    entries[symbol] = DISTANCE_BASE[symbol] << 16 | DISTANCE_EXTRA_BITS[symbol];
  }
  return entries;
}

function codeLengthEntries(): Int32Array {
  const entries = new Int32Array(CODE_LENGTH_SYMBOLS);
  for (let symbol = 0; symbol < CODE_LENGTH_SYMBOLS; symbol++) entries[symbol] = symbol << 16;
  return entries;
}
