// Queues messages for a slow receiver, keeping only the newest per key: quotes, cursors, progress.

interface Entry<M> {
  readonly message: M;
  readonly size: number;
}

/** The newest message of each key, in the insertion order of the keys. */
export class ConflationQueue<M> {
  /** A map keeps the position of a key when its value is replaced. */
  readonly #entries: Map<string, Entry<M>> = new Map();
  #size = 0;

  /** The total size in bytes. */
  get size(): number {
    return this.#size;
  }

  /** The number of messages. */
  get length(): number {
    return this.#entries.size;
  }

  /** The messages. */
  *messages(): Generator<M, void, void> {
    for (const { message } of this.#entries.values()) yield message;
  }

  /** The message of a key. */
  get(key: string): M | undefined {
    return this.#entries.get(key)?.message;
  }

  /** Adds a message and its size in bytes; returns whether it replaced the message of its key. */
  put(key: string, message: M, size: number): boolean {
    const replaced = this.#entries.get(key);
    this.#size += size - (replaced?.size ?? 0);
    this.#entries.set(key, { message, size });
    return replaced !== undefined;
  }

  /** Removes messages, oldest key first, and sends them, while `send` returns `true`. */
  release(send: (message: M) => boolean): void {
    for (const [key, { message, size }] of this.#entries) {
      this.#entries.delete(key);
      this.#size -= size;
      if (!send(message)) return;
    }
  }
}
