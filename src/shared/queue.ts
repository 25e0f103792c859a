// A queue with constant time per item.

/** The number of removed items at which the array is trimmed. */
const COMPACT_COUNT = 256;

/** A first-in, first-out queue. */
export class Queue<T> {
  /** Removed items are replaced by `undefined` for garbage collection. */
  #items: Array<T | undefined> = [];
  /** The index of the first item in the queue. */
  #first = 0;

  /** The number of items. */
  get length(): number {
    return this.#items.length - this.#first;
  }

  /** Adds an item at the end. */
  push(item: T): void {
    this.#items.push(item);
  }

  /** Puts an item back at the front. */
  unshift(item: T): void {
    if (this.#first > 0) this.#items[--this.#first] = item;
    else this.#items.unshift(item);
  }

  /** Removes and returns the first item; `undefined` if there is none. */
  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#first];
    this.#items[this.#first++] = undefined;
    if (this.#first === this.#items.length) {
      this.#items = [];
      this.#first = 0;
    } else if (this.#first >= COMPACT_COUNT && this.#first * 2 >= this.#items.length) {
      // Rarely, and only after half of the items were removed.
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }

  /** Removes and returns all items. */
  clear(): T[] {
    const items = this.#items.slice(this.#first) as T[];
    this.#items = [];
    this.#first = 0;
    return items;
  }
}
