// Output that waits, in its order, while the transport takes no more.

/** Memory that waits to be written. */
interface Part {
  readonly bytes: Uint8Array;
  readonly length: number;
  /** Whether it is memory of this connection alone. */
  readonly isOwn: boolean;
}

/** Frames shared with other connections, and buffers that were held before them. */
export class ParkedOutput {
  #parts: Part[] = [];
  /** The index of the first that is not taken. */
  #first = 0;
  #size = 0;
  #own = 0;

  /** Bytes that wait. */
  get size(): number {
    return this.#size;
  }

  /** The bytes of them that are in memory of this connection alone. */
  get own(): number {
    return this.#own;
  }

  /** Adds memory, which must not change. */
  add(bytes: Uint8Array, length: number, isOwn: boolean): void {
    this.#parts.push({ bytes, length, isOwn });
    this.#size += length;
    if (isOwn) this.#own += length;
  }

  /** Whether the next two parts fit together in `max` bytes. */
  canJoin(max: number): boolean {
    const next = this.#parts[this.#first + 1];
    return next !== undefined && this.#parts[this.#first].length + next.length <= max;
  }

  /** Takes the next part. There must be one. */
  take(): Part {
    const part = this.#next();
    this.#forget();
    return part;
  }

  /** Takes as many parts as fit into `memory`. Returns their bytes. */
  join(memory: Uint8Array): number {
    let total = 0;
    while (
      this.#first < this.#parts.length &&
      total + this.#parts[this.#first].length <= memory.length
    ) {
      const { bytes, length } = this.#next();
      memory.set(bytes.subarray(0, length), total);
      total += length;
    }
    this.#forget();
    return total;
  }

  #next(): Part {
    const part = this.#parts[this.#first++];
    this.#size -= part.length;
    if (part.isOwn) this.#own -= part.length;
    return part;
  }

  /** The array is cut rarely, so that the cost of a part does not depend on their number. */
  #forget(): void {
    if (this.#first * 2 < this.#parts.length) return;
    this.#parts = this.#parts.slice(this.#first);
    this.#first = 0;
  }
}
