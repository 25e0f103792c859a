// What waits for a receiver that has fallen behind, where only the newest message of each key is of
// interest: quotes, cursors, progress.

interface Waiting<M> {
  readonly message: M;
  readonly size: number;
}

/** The newest message of each key, in the order in which the keys began to wait. */
export class ConflationQueue<M> {
  /** A map keeps the place of a key whose value is replaced. */
  readonly #waiting: Map<string, Waiting<M>> = new Map();
  #size = 0;

  /** Bytes that wait. */
  get size(): number {
    return this.#size;
  }

  /** How many messages wait. */
  get length(): number {
    return this.#waiting.size;
  }

  /**
   * Lets a message wait, in the place of the one of its key that waits already, if any.
   *
   * @param size Its bytes.
   * @returns Whether it has replaced another.
   */
  put(key: string, message: M, size: number): boolean {
    const replaced = this.#waiting.get(key);
    this.#size += size - (replaced?.size ?? 0);
    this.#waiting.set(key, { message, size });
    return replaced !== undefined;
  }

  /** Hands messages over, the one that began to wait first before the others, while `send` is true. */
  release(send: (message: M) => boolean): void {
    for (const [key, { message, size }] of this.#waiting) {
      this.#waiting.delete(key);
      this.#size -= size;
      if (!send(message)) return;
    }
  }
}
