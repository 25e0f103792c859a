// The memory that a connection reads into, if the runtime requires it.

/** The size in bytes of the smallest block, unless the user chooses another. */
const FIRST_SIZE = 2048;

/** Offering more room gains nothing: the kernel rarely has more at once. */
const MOST_ROOM = 65_536;

/** The minimum room, so that a small message does not arrive in two reads. */
const LEAST_ROOM = 512;

/**
 * The memory that a connection reads into: small while the peer sends little, because an idle
 * connection holds it, and growing while reads fill it. It provides room for reads, and never
 * reuses bytes once they were given away.
 */
export class ReadBuffer {
  readonly #firstSize: number;
  /** Room for the next read in bytes: more than the last reads have filled. */
  #wanted: number;
  #block: Uint8Array | undefined;
  /** Bytes at the start of the block that were given away. */
  #given = 0;

  /** @param firstSize The size in bytes to begin with and to fall back to. */
  constructor(firstSize: number = FIRST_SIZE) {
    this.#firstSize = firstSize;
    this.#wanted = Math.min(LEAST_ROOM, Math.ceil(firstSize / 4));
  }

  /** The room for the next read. */
  room(): Uint8Array {
    const size = Math.max(this.#firstSize, Math.min(this.#wanted * 2, MOST_ROOM));
    const block = this.#block;
    if (block === undefined || block.length > size * 2) return this.#newBlock(size);
    if (this.#given === 0 && block.length >= this.#wanted) return block;
    if (block.length - this.#given < this.#wanted) return this.#newBlock(size);
    return block.subarray(this.#given);
  }

  /**
   * Records that a read has put `count` bytes into `room`.
   *
   * @returns These bytes. They remain unchanged after {@linkcode ReadBuffer.give}; without it the
   * next read overwrites them.
   */
  filled(room: Uint8Array, count: number): Uint8Array {
    if (count === room.length) {
      this.#wanted = Math.max(this.#wanted, Math.min(count * 2, MOST_ROOM));
      return room;
    }
    if (count * 8 <= this.#wanted && this.#wanted > LEAST_ROOM) this.#wanted >>= 1;
    return room.subarray(0, count);
  }

  /** Gives the last `count` bytes away: they are never written to again. */
  give(count: number): void {
    this.#given += count;
  }

  #newBlock(size: number): Uint8Array {
    this.#given = 0;
    return this.#block = new Uint8Array(size);
  }
}
