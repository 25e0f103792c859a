// A queue with constant time per item, for any length.

/** The number of taken items from which on the array is trimmed. */
const COMPACT_COUNT = 256;

/** Items in their order. */
export class Queue<T> {
  /** A taken item is replaced by `undefined`, so that it can be collected. */
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

  /** Puts an item back in front. */
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
      // Rarely, and not before half of the items were taken.
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }

  /** Removes all items. */
  clear(): T[] {
    const items = this.#items.slice(this.#first) as T[];
    this.#items = [];
    this.#first = 0;
    return items;
  }
}
