// What one slot of a decoding table says, packed into 32 bits so that a symbol costs one load.
//
//   literal               bit 31 set, the byte in bits 16-23
//   length or distance    the base in bits 16-30, the code's own bits in 8-11
//   link to a subtable    bit 13 set, where it starts in bits 16-30, its index bits in 8-11
//   end of block          bit 15 set
//   no such code          bit 14 set
//
// Bits 0-4 are always how many bits to consume: the code and, of lengths and distances, the extra
// bits behind it. Of a link they are the bits of the root's index, which have been looked at.

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

/** What a code is for, and which sets of lengths are a code for it. */
export interface Alphabet {
  /** The code's name in error messages. */
  readonly name: string;
  /** The entry of each symbol, still without the bits of its code. */
  readonly entries: Int32Array;
  /** Whether a single word of one bit will do, the other being unused. */
  readonly mayHaveOneWord: boolean;
  /** Whether there may be no word at all. */
  readonly mayBeEmpty: boolean;
}

/** Literals, lengths and the end of the block. zlib too accepts a block of the end alone. */
export const LITERAL_ALPHABET: Alphabet = {
  name: "literal/length",
  entries: literalEntries(),
  mayHaveOneWord: true,
  mayBeEmpty: false,
};

/**
 * Distances. RFC 1951 3.2.7: "If only one distance code is used, it is encoded using one bit", and
 * "One distance code of zero bits means that there are no distance codes used at all".
 */
export const DISTANCE_ALPHABET: Alphabet = {
  name: "distance",
  entries: distanceEntries(),
  mayHaveOneWord: true,
  mayBeEmpty: true,
};

/** The lengths of the other two codes' words, and their repetition. */
export const CODE_LENGTH_ALPHABET: Alphabet = {
  name: "code length",
  entries: codeLengthEntries(),
  mayHaveOneWord: false,
  mayBeEmpty: false,
};

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
