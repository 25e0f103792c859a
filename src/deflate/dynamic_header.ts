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

const lengths = new Uint8Array(LITERAL_SYMBOLS + DISTANCE_SYMBOLS);
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
  codeLengths.build(lengthsOfLengths, 0, CODE_LENGTH_SYMBOLS);
  const total = literalCount + distanceCount;
  readLengths(input, total);
  input.checkNotPastEnd();
  if (lengths[END_OF_BLOCK] === 0) corrupt("a block's code has no end of block");
  dynamicLiterals.build(lengths, 0, literalCount);
  dynamicDistances.build(lengths, literalCount, total);
}

/** RFC 1951 3.2.7: "the code length codes form a single sequence", so a run may cross over. */
function readLengths(input: BitInput, total: number): void {
  const entries = codeLengths.entries;
  const mask = (1 << codeLengths.rootBits) - 1;
  const { bytes, end } = input;
  let { position, hold, bits } = input;
  let index = 0;
  while (index < total) {
    // A word of up to 7 bits and up to 7 bits behind it.
    while (bits < 14) {
      if (position < end) hold |= bytes[position] << bits;
      position++;
      bits += 8;
    }
    const entry = entries[hold & mask];
    hold >>>= entry & CONSUMED;
    bits -= entry & CONSUMED;
    const symbol = entry >>> 16;
    if (symbol < REPEAT_PREVIOUS) {
      lengths[index++] = symbol;
      continue;
    }
    let repeated = 0;
    let count = 3;
    let extra = 3;
    if (symbol === REPEAT_PREVIOUS) {
      if (index === 0) corrupt("there is no code length to repeat");
      repeated = lengths[index - 1];
      extra = 2;
    } else if (symbol === REPEAT_ZERO_LONG) {
      count = 11;
      extra = 7;
    }
    count += hold & (1 << extra) - 1;
    hold >>>= extra;
    bits -= extra;
    const runEnd = index + count;
    if (runEnd > total) corrupt("a repeated code length goes on behind the last symbol");
    while (index < runEnd) lengths[index++] = repeated;
  }
  input.position = position;
  input.hold = hold;
  input.bits = bits;
}
