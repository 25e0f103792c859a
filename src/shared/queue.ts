// A queue with constant time per item, for any length.

/** Items that were taken, from which on the array is cut. */
const COMPACT_COUNT = 256;

/** Items in their order. */
export class Queue<T> {
  /** A place whose item was taken is `undefined`, so that the item can be collected. */
  #items: Array<T | undefined> = [];
  /** Where the queue begins among the items. */
  #first = 0;

  /** How many items wait. */
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

  /** Takes the first item away; `undefined` when there is none. */
  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#first];
    this.#items[this.#first++] = undefined;
    if (this.#first === this.#items.length) {
      this.#items = [];
      this.#first = 0;
    } else if (this.#first >= COMPACT_COUNT && this.#first * 2 >= this.#items.length) {
      // Seldom, and not before half of the items were taken.
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }

  /** Takes all items away. */
  clear(): T[] {
    const items = this.#items.slice(this.#first) as T[];
    this.#items = [];
    this.#first = 0;
    return items;
  }
}
