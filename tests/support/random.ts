// Reproducible random numbers: equal seeds produce equal sequences.

/** A seeded generator: Marsaglia's xorshift with 32 bits of state. */
export class Random {
  #state: number;

  /** @param seed Any nonzero integer. */
  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** Returns an integer from 0 to `limit - 1`. */
  below(limit: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return Math.floor((state >>> 0) / 0x100000000 * limit);
  }

  /** Picks one of the items. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  /** Returns `size` random bytes. */
  bytes(size: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(size);
    for (let i = 0; i < size; i++) bytes[i] = this.below(256);
    return bytes;
  }
}
