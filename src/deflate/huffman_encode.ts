// From the lengths of a code's words to the words (RFC 1951 3.2.2), packed as they are written:
// the word from bit 4 on, its first bit lowest, and its length in bits 0-3.

import { FIXED_DISTANCE_LENGTHS, FIXED_LITERAL_LENGTHS, MAX_CODE_BITS } from "./tables.ts";

const countOfLength = new Uint16Array(MAX_CODE_BITS + 1);
const nextOfLength = new Uint16Array(MAX_CODE_BITS + 1);

/** Words are reversed by this table, so none may be longer than its index. */
const REVERSED_BITS = 11;
const REVERSED = reversedBits();

/** The words of the fixed literal/length code (RFC 1951 3.2.6). */
export const FIXED_LITERAL_WORDS: Int32Array = new Int32Array(FIXED_LITERAL_LENGTHS.length);
assignWords(FIXED_LITERAL_LENGTHS, FIXED_LITERAL_LENGTHS.length, FIXED_LITERAL_WORDS);

/** The words of the fixed distance code (RFC 1951 3.2.6). */
export const FIXED_DISTANCE_WORDS: Int32Array = new Int32Array(FIXED_DISTANCE_LENGTHS.length);
assignWords(FIXED_DISTANCE_LENGTHS, FIXED_DISTANCE_LENGTHS.length, FIXED_DISTANCE_WORDS);

/**
 * Gives each of the first `count` symbols the word of its length, at most 11 bits; 0 for a symbol
 * without one.
 */
export function assignWords(lengths: Uint8Array, count: number, words: Int32Array): void {
  countOfLength.fill(0);
  for (let symbol = 0; symbol < count; symbol++) countOfLength[lengths[symbol]]++;
  let code = 0;
  for (let length = 1; length <= REVERSED_BITS; length++) {
    nextOfLength[length] = code;
    code = code + countOfLength[length] << 1;
  }
  for (let symbol = 0; symbol < count; symbol++) {
    const length = lengths[symbol];
    words[symbol] = length === 0
      ? 0
      : REVERSED[nextOfLength[length]++] >>> REVERSED_BITS - length << 4 | length;
  }
}

function reversedBits(): Uint16Array {
  const reversed = new Uint16Array(1 << REVERSED_BITS);
  for (let value = 1; value < reversed.length; value++) {
    reversed[value] = reversed[value >>> 1] >>> 1 | (value & 1) << REVERSED_BITS - 1;
  }
  return reversed;
}
