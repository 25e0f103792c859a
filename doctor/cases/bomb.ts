// Deflate data that inflates to a given number of zeros, made without a compressor.

/** The number of bytes of a run, the longest one (RFC 1951 3.2.5). */
const RUN = 258;

/** The header of a block: BFINAL 0, BTYPE 01 (RFC 1951 3.2.3). */
const BEGIN = { code: 0b010, bits: 3 };

/**
 * Codes of a block with fixed codes (RFC 1951 3.2.6), first bit lowest: a zero, and a run of the
 * previous byte, which has length 258 (8 bits) and distance 1 (5 bits).
 */
const ZERO = { code: 0b00001100, bits: 8 };
const ZERO_RUN = { code: 0b00000_10100011, bits: 13 };

/** The end of the block (7 bits), and the type of the empty stored block (3 bits). */
const END_BITS = 10;

/** Writes bits, the least significant of a byte first. */
class Bits {
  readonly bytes: Uint8Array;
  #at = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }

  /** Adds the lowest `bits` bits of `code`, the least significant first. */
  add({ code, bits }: { code: number; bits: number }): void {
    let byte = this.#at >> 3;
    for (let left = code << (this.#at & 7); left > 0; left >>= 8) this.bytes[byte++] |= left;
    this.#at += bits;
  }
}

/** The number of each code in a bomb. */
function countCodes(size: number): { runs: number; zeros: number } {
  const runs = Math.floor(Math.max(0, size - 1) / RUN);
  return { runs, zeros: size - runs * RUN };
}

/** The number of bytes of {@linkcode bombOf}. */
export function bombLength(size: number): number {
  const { runs, zeros } = countCodes(size);
  const bits = BEGIN.bits + zeros * ZERO.bits + runs * ZERO_RUN.bits + END_BITS;
  return Math.ceil(bits / 8);
}

/**
 * The payload of a compressed message of `size` zeros (RFC 7692 7.2.1): one block with the fixed
 * codes, and the end of a sync flush without its last four bytes.
 */
export function bombOf(size: number): Uint8Array {
  const { runs, zeros } = countCodes(size);
  const bits = new Bits(bombLength(size));
  bits.add(BEGIN);
  // A run repeats the zero before it. The bits of the end are all 0.
  for (let i = 0; i < zeros; i++) bits.add(ZERO);
  for (let i = 0; i < runs; i++) bits.add(ZERO_RUN);
  return bits.bytes;
}
