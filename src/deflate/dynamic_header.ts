// The description of a block's own codes: two sets of code lengths, themselves run-length and
// Huffman coded (RFC 1951 3.2.7).

import type { BitInput } from "./bit_input.ts";
import {
  CODE_LENGTH_ALPHABET,
  CONSUMED,
  DISTANCE_ALPHABET,
  LITERAL_ALPHABET,
} from "./decode_entry.ts";
import { DecodeTable } from "./huffman_decode.ts";
import { corrupt } from "./inflate_error.ts";
import {
  CODE_LENGTH_ORDER,
  CODE_LENGTH_SYMBOLS,
  DISTANCE_SYMBOLS,
  END_OF_BLOCK,
  LITERAL_SYMBOLS,
  REPEAT_PREVIOUS,
  REPEAT_ZERO_LONG,
} from "./tables.ts";

/**
 * Decodes the literals and lengths of the block whose description was read last. With 10 bits to
 * index its root no code of 286 words needs more than 1332 slots.
 */
export const dynamicLiterals: DecodeTable = new DecodeTable(LITERAL_ALPHABET, 10, 1536);

/** The same for distances: with 7 bits to index its root no code of 30 words needs more than 400. */
export const dynamicDistances: DecodeTable = new DecodeTable(DISTANCE_ALPHABET, 7, 512);

/** RFC 1951 3.2.7: words of the code length code have 7 bits at most, so there is only a root. */
const codeLengths = new DecodeTable(CODE_LENGTH_ALPHABET, 7, 128);

/** The words of both codes in one sequence: their symbols, in ascending order, and their lengths. */
const usedSymbols = new Uint16Array(LITERAL_SYMBOLS + DISTANCE_SYMBOLS);
const usedLengths = new Uint8Array(LITERAL_SYMBOLS + DISTANCE_SYMBOLS);

const lengthsOfLengths = new Uint8Array(CODE_LENGTH_SYMBOLS);

/**
 * Reads the description that follows the block's type into the two tables.
 *
 * @throws {InflateError} When it describes no code.
 */
export function readDynamicCodes(input: BitInput): void {
  const literalCount = input.take(5) + 257; // HLIT
  const distanceCount = input.take(5) + 1; // HDIST
  const codeLengthCount = input.take(4) + 4; // HCLEN
  if (literalCount > LITERAL_SYMBOLS || distanceCount > DISTANCE_SYMBOLS) {
    corrupt("a block has more symbols than there are");
  }
  lengthsOfLengths.fill(0);
  for (let index = 0; index < codeLengthCount; index++) {
    lengthsOfLengths[CODE_LENGTH_ORDER[index]] = input.take(3);
  }
  codeLengths.build(lengthsOfLengths);
  const count = readLengths(input, literalCount + distanceCount);
  input.checkNotPastEnd();
  let literals = count;
  while (literals > 0 && usedSymbols[literals - 1] >= literalCount) literals--;
  let end = literals;
  while (end > 0 && usedSymbols[end - 1] > END_OF_BLOCK) end--;
  if (end === 0 || usedSymbols[end - 1] !== END_OF_BLOCK) {
    corrupt("a block's code has no end of block");
  }
  dynamicLiterals.buildUsed(usedSymbols, usedLengths, 0, literals, 0);
  dynamicDistances.buildUsed(usedSymbols, usedLengths, literals, count, literalCount);
}

/**
 * Reads the lengths of both codes' `total` words and returns how many are not 0. RFC 1951 3.2.7:
 * "all code lengths form a single sequence", so a run may cross from one code over to the other.
 */
function readLengths(input: BitInput, total: number): number {
  const entries = codeLengths.entries;
  const mask = (1 << codeLengths.rootBits) - 1;
  const { bytes, end: inputEnd } = input;
  let { position, hold, bits } = input;
  let count = 0;
  let previous = -1;
  for (let index = 0; index < total;) {
    // A word of up to 7 bits and up to 7 bits behind it.
    while (bits < 14) {
      if (position < inputEnd) hold |= bytes[position] << bits;
      position++;
      bits += 8;
    }
    const entry = entries[hold & mask];
    hold >>>= entry & CONSUMED;
    bits -= entry & CONSUMED;
    const symbol = entry >>> 16;
    if (symbol < REPEAT_PREVIOUS) {
      if (symbol !== 0) {
        usedSymbols[count] = index;
        usedLengths[count++] = symbol;
      }
      previous = symbol;
      index++;
      continue;
    }
    let run = 3;
    let extra = 3;
    if (symbol === REPEAT_PREVIOUS) {
      if (previous < 0) corrupt("there is no code length to repeat");
      extra = 2;
    } else {
      previous = 0;
      if (symbol === REPEAT_ZERO_LONG) {
        run = 11;
        extra = 7;
      }
    }
    run += hold & (1 << extra) - 1;
    hold >>>= extra;
    bits -= extra;
    const end = index + run;
    if (end > total) corrupt("a repeated code length goes on behind the last symbol");
    if (previous !== 0) {
      for (; index < end; index++) {
        usedSymbols[count] = index;
        usedLengths[count++] = previous;
      }
    }
    index = end;
  }
  input.position = position;
  input.hold = hold;
  input.bits = bits;
  return count;
}
