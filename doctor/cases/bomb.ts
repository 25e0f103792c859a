// Deflate data that inflates to a given number of zeros, made without a compressor.

/**
 * The lengths of the runs of 258 bytes (RFC 1951 3.2.5) of one block: with the fixed codes, length
 * 258 at distance 1 is the 8 bits 11000101 and the 5 bits 00000.
 */
const RUN = 258;

/** Writes bits, the least significant of a byte first. */
class Bits {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
  }

  /** Adds `count` bits of `value`, the highest first, as Huffman codes are packed (RFC 1951 3.1.1). */
  code(value: number, count: number): void {
    for (let bit = count - 1; bit >= 0; bit--) {
      this.#bytes[this.#at >> 3] |= (value >> bit & 1) << (this.#at & 7);
      this.#at++;
    }
  }

  /** The written bytes. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, (this.#at + 7) >> 3);
  }
}

const made = new Map<number, Uint8Array>();

/**
 * The payload of a compressed message of `size` zeros (RFC 7692 7.2.1): one block with the fixed
 * codes, and the end of a sync flush without its last four bytes.
 */
export function bombOf(size: number): Uint8Array {
  let bytes = made.get(size);
  if (bytes === undefined) made.set(size, bytes = make(size));
  return bytes;
}

function make(size: number): Uint8Array {
  const bits = new Bits(Math.ceil(size / RUN) * 2 + RUN * 2 + 16);
  // BFINAL 0, BTYPE 01, lower bit first.
  bits.code(0b010, 3);
  let left = size;
  if (left > 0) {
    bits.code(0b00110000, 8);
    left--;
  }
  for (; left >= RUN; left -= RUN) {
    bits.code(0b11000101, 8);
    bits.code(0, 5);
  }
  for (; left > 0; left--) bits.code(0b00110000, 8);
  // The end of the block, and the type of the empty stored block: three bits and the fill.
  bits.code(0, 7);
  bits.code(0, 3);
  return bits.bytes;
}
