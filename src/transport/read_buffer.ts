// The read memory of a connection, if the runtime requires it.

/** The default minimum block size in bytes. */
const FIRST_SIZE = 2048;

/** The maximum room: the kernel rarely has more data at once. */
const MOST_ROOM = 65_536;

/** The minimum room, so that a small message does not arrive in two reads. */
const LEAST_ROOM = 512;

/**
 * The read memory of a connection: small while the peer sends little, because idle connections hold
 * it, and growing while reads fill it. Bytes given away are never reused.
 */
export class ReadBuffer {
  readonly #firstSize: number;
  /** The room for the next read in bytes: more than the last reads filled. */
  #wanted: number;
  #block: Uint8Array | undefined;
  /** The number of bytes at the start of the block given away. */
  #given = 0;

  /** @param firstSize The initial and minimum size in bytes. */
  constructor(firstSize: number = FIRST_SIZE) {
    this.#firstSize = firstSize;
    this.#wanted = Math.min(LEAST_ROOM, Math.ceil(firstSize / 4));
  }

  /** Returns the room for the next read. */
  room(): Uint8Array {
    const size = Math.max(this.#firstSize, Math.min(this.#wanted * 2, MOST_ROOM));
    const block = this.#block;
    if (block === undefined || block.length > size * 2) return this.#newBlock(size);
    if (this.#given === 0 && block.length >= this.#wanted) return block;
    if (block.length - this.#given < this.#wanted) return this.#newBlock(size);
    return block.subarray(this.#given);
  }

  /**
   * Records a read of `count` bytes into `room`.
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

  /** Gives away the last `count` bytes: they are never overwritten. */
  give(count: number): void {
    this.#given += count;
  }

  #newBlock(size: number): Uint8Array {
    this.#given = 0;
    return this.#block = new Uint8Array(size);
  }
}
