/*
 * The memory that a Deno connection reads into: small while the peer says little, because an idle
 * connection holds it, and growing while reads fill it.
 */

/** The first size in bytes, unless the user chooses another. */
const FIRST_SIZE = 2048;

/** Larger reads gain nothing: the kernel rarely has more at once. */
const LARGEST_SIZE = 65_536;

/** Hands out room for reads, and never the same bytes twice once they were given away. */
export class ReadBuffer {
  readonly #firstSize: number;
  #size: number;
  #block: Uint8Array | undefined;
  /** Bytes at the start of the block that were given away. */
  #given = 0;

  /** @param firstSize The size in bytes to begin with and to fall back to. */
  constructor(firstSize: number = FIRST_SIZE) {
    this.#firstSize = firstSize;
    this.#size = firstSize;
  }

  /** Where the next read may write. */
  room(): Uint8Array {
    const block = this.#block;
    if (block !== undefined && block.length === this.#size) {
      if (this.#given === 0) return block;
      // A tail shorter than a quarter would make many reads of one.
      if ((block.length - this.#given) * 4 >= block.length) return block.subarray(this.#given);
    }
    this.#given = 0;
    return this.#block = new Uint8Array(this.#size);
  }

  /**
   * Notes that a read has put `count` bytes into `room`.
   *
   * @returns These bytes. They stay as they are after {@linkcode ReadBuffer.give}; without it the
   * next read overwrites them.
   */
  filled(room: Uint8Array, count: number): Uint8Array {
    if (count === room.length && count * 2 >= this.#size) {
      this.#size = Math.max(this.#size, Math.min(this.#size * 4, LARGEST_SIZE));
    } else if (count * 8 <= this.#size) {
      this.#size = Math.max(this.#firstSize, this.#size >> 1);
    }
    return count === room.length ? room : room.subarray(0, count);
  }

  /** Gives the last `count` bytes away: they are never written to again. */
  give(count: number): void {
    this.#given += count;
  }
}
