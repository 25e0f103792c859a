// The constants of the format: the length, distance and code length symbols, and the two fixed
// codes.

/** The first length/distance symbol above the 256 literals ends a block (RFC 1951 3.2.5). */
export const END_OF_BLOCK = 256;

/** Symbols of the literal/length alphabet that may occur: 0 to 285 (RFC 1951 3.2.5). */
export const LITERAL_SYMBOLS = 286;

/** Symbols of the distance alphabet that may occur: 0 to 29 (RFC 1951 3.2.5). */
export const DISTANCE_SYMBOLS = 30;

/** Symbols of the code length alphabet: 0 to 18 (RFC 1951 3.2.7). */
export const CODE_LENGTH_SYMBOLS = 19;

/** The longest Huffman code of literals, lengths and distances in bits (RFC 1951 3.2.7). */
export const MAX_CODE_BITS = 15;

/** The shortest and the longest match in bytes (RFC 1951 2). */
export const MIN_MATCH = 3;
export const MAX_MATCH = 258;

/** The block types, the two bits after BFINAL (RFC 1951 3.2.3). */
export const STORED_BLOCK = 0;
export const FIXED_BLOCK = 1;
export const DYNAMIC_BLOCK = 2;

/** The maximum size of a stored block in bytes: LEN has 16 bits (RFC 1951 3.2.4). */
export const MAX_STORED = 65535;

/** RFC 1951 3.2.5: the smallest length of each length symbol, from symbol 257 on. */
// deno-fmt-ignore
export const LENGTH_BASE: Uint16Array = Uint16Array.of(
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31,
  35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
);

/** RFC 1951 3.2.5: the number of extra bits after each length symbol. */
// deno-fmt-ignore
export const LENGTH_EXTRA_BITS: Uint8Array = Uint8Array.of(
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2,
  3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
);

/** RFC 1951 3.2.5: the smallest distance of each distance symbol. */
// deno-fmt-ignore
export const DISTANCE_BASE: Uint16Array = Uint16Array.of(
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193,
  257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
);

/** RFC 1951 3.2.5: the number of extra bits after each distance symbol. */
// deno-fmt-ignore
export const DISTANCE_EXTRA_BITS: Uint8Array = Uint8Array.of(
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6,
  7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
);

/** RFC 1951 3.2.6: the code lengths of the fixed literal/length code, for all 288 symbols. */
export const FIXED_LITERAL_LENGTHS: Uint8Array = fixedLiteralLengths();

/** RFC 1951 3.2.6: the fixed distance code has 32 codes of 5 bits; 30 have a meaning. */
export const FIXED_DISTANCE_LENGTHS: Uint8Array = new Uint8Array(32).fill(5);

/** RFC 1951 3.2.7: the order of the lengths of the code length code. */
// deno-fmt-ignore
export const CODE_LENGTH_ORDER: Uint8Array = Uint8Array.of(
  16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
);

/** RFC 1951 3.2.7: repeat the previous length 3 to 6 times (2 extra bits). */
export const REPEAT_PREVIOUS = 16;
/** RFC 1951 3.2.7: repeat a length of zero 3 to 10 times (3 extra bits). */
export const REPEAT_ZERO_SHORT = 17;
/** RFC 1951 3.2.7: repeat a length of zero 11 to 138 times (7 extra bits). */
export const REPEAT_ZERO_LONG = 18;

function fixedLiteralLengths(): Uint8Array {
  const lengths = new Uint8Array(288);
  lengths.fill(8, 0, 144);
  lengths.fill(9, 144, 256);
  lengths.fill(7, 256, 280);
  lengths.fill(8, 280, 288);
  return lengths;
}

// Sizes given as base-2 logarithms, such as windows (RFC 7692 7.1.2 has the range).

/**
 * Converts `bits` to a size: 256 for 8, 32768 for 15.
 *
 * @param name The name of the value in the error.
 * @throws {RangeError} When `bits` is not an integer from 8 to 15.
 */
export function powerOfTwo(name: string, bits: number): number {
  if (!Number.isInteger(bits) || bits < 8 || bits > 15) {
    throw new RangeError(`${name} is ${bits}: it must be an integer from 8 to 15`);
  }
  return 1 << bits;
}
