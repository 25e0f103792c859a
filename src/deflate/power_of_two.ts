// Sizes that are given as a power of two, as windows are (RFC 7692 7.1.2 has the range).

/**
 * The size that `bits` stands for: 256 for 8, 32768 for 15.
 *
 * @param name What to call the value in the error.
 * @throws {RangeError} When `bits` is not an integer from 8 to 15.
 */
export function powerOfTwo(name: string, bits: number): number {
  if (!Number.isInteger(bits) || bits < 8 || bits > 15) {
    throw new RangeError(`${name} is ${bits}: it must be an integer from 8 to 15`);
  }
  return 1 << bits;
}
