/* The decoding tables there are: one pair for the fixed codes, one for a block's own. */

import { CODE_LENGTH_ENTRIES, DISTANCE_ENTRIES, LITERAL_ENTRIES } from "./decode_entry.ts";
import { DecodeTable } from "./huffman_decode.ts";
import { FIXED_DISTANCE_LENGTHS, FIXED_LITERAL_LENGTHS } from "./tables.ts";

export const fixedLiterals: DecodeTable = new DecodeTable(
  "fixed literal/length",
  LITERAL_ENTRIES,
  512,
  false,
  false,
);
fixedLiterals.build(FIXED_LITERAL_LENGTHS, 0, 288, 9);
export const fixedDistances: DecodeTable = new DecodeTable(
  "fixed distance",
  DISTANCE_ENTRIES,
  32,
  false,
  false,
);
fixedDistances.build(FIXED_DISTANCE_LENGTHS, 0, 32, 5);
export const dynamicLiterals: DecodeTable = new DecodeTable(
  "literal/length",
  LITERAL_ENTRIES,
  2400,
  true,
  false,
);
export const dynamicDistances: DecodeTable = new DecodeTable(
  "distance",
  DISTANCE_ENTRIES,
  1024,
  true,
  true,
);
export const codeLengths: DecodeTable = new DecodeTable(
  "code length",
  CODE_LENGTH_ENTRIES,
  128,
  false,
  false,
);
