// The decoding tables of the codes that need no description (RFC 1951 3.2.6).

import { DISTANCE_ALPHABET, LITERAL_ALPHABET } from "./decode_entry.ts";
import { DecodeTable } from "./huffman_decode.ts";
import { FIXED_DISTANCE_LENGTHS, FIXED_LITERAL_LENGTHS } from "./tables.ts";

/** Decodes literals and lengths; words have 9 bits at most, so there is only a root. */
export const fixedLiterals: DecodeTable = new DecodeTable(LITERAL_ALPHABET, 9, 512);
fixedLiterals.build(FIXED_LITERAL_LENGTHS);

/** Decodes distances; all words have 5 bits. */
export const fixedDistances: DecodeTable = new DecodeTable(DISTANCE_ALPHABET, 5, 32);
fixedDistances.build(FIXED_DISTANCE_LENGTHS);
