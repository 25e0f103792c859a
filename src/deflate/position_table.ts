// Where in the text some bytes were seen last: a hash table of positions. A position is 16 bits of
// an endless count, so that a table is small and never has to be shifted along with the text; what
// an entry claims is always checked against the text.

/** Mixes the bytes of a word for its hash: the odd neighbour of the golden ratio in 32 bits. */
export const HASH_FACTOR = 0x9e3779b1;

/** Mixes the second word of eight bytes before it meets the first. */
export const HASH_FACTOR_FAR = 0x85ebca6b;

/** The most slots of a shared table, as a power of two: one for each place in a window. */
const MOST_BITS = 15;

/** Where the count of positions goes over 16 bits. */
const COUNT_END = 1 << 16;

/** A table, and where in its count of positions the text lies. */
export class PositionTable {
  /** By hash, the position where such bytes were seen last. */
  readonly slots: Uint16Array;
  /** What a hash of 32 bits is shifted by to index the slots. */
  shift: number;
  /** The position of the text's first byte. */
  base = 0;

  /** @param slots Empty slots, as many as a power of two. */
  constructor(slots: Uint16Array) {
    this.slots = slots;
    this.shift = Math.clz32(slots.length) + 1;
  }

  /** Follows the text, which was moved down by `distance`. */
  move(distance: number): void {
    this.base += distance;
  }
}

/**
 * A table that messages of all connections share. Each message counts on from the one before, so
 * that the entries of others lie before its first byte and are passed over: what is sent to one
 * peer cannot be measured in the length of what is sent to another.
 */
export class SharedPositionTable extends PositionTable {
  /** The first byte of the text that an entry may speak of. */
  first = 0;
  #count = COUNT_END;
  #usedBits = MOST_BITS;

  /** Allocates the slots. */
  constructor() {
    super(new Uint16Array(1 << MOST_BITS));
  }

  /**
   * Begins on a message of `length` bytes, the first of which is at `first` in the text. When 16
   * bits no longer tell its positions from those before, the count and the table start anew.
   */
  begin(first: number, length: number): void {
    if (this.#count + length > COUNT_END) {
      this.slots.fill(0, 0, 1 << this.#usedBits);
      this.#usedBits = 0;
      // Not 0, which is what an empty slot says.
      this.#count = 1;
    }
    const bits = hashBits(length);
    if (bits > this.#usedBits) this.#usedBits = bits;
    this.shift = 32 - bits;
    this.base = this.#count - first;
    this.first = first;
    this.#count = Math.min(this.#count + length, COUNT_END);
  }

  override move(distance: number): void {
    super.move(distance);
    this.first = Math.max(0, this.first - distance);
  }
}

/**
 * The slots for a message of `length` bytes, as a power of two: with fewer, entries are overwritten
 * too soon; more would have to be cleared and would not stay in the cache.
 */
function hashBits(length: number): number {
  if (length <= 512) return 12;
  if (length <= 2048) return 13;
  return length <= 8192 ? 14 : MOST_BITS;
}
