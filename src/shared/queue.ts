// A queue that costs the same for each item, however many wait.

/** Items in their order. */
export class Queue<T> {
  #items: T[] = [];
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

  /** Takes the first item away; `undefined` when there is none. */
  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#first++];
    // The front is cut off seldom: not before half of the items are gone.
    if (this.#first * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }

  /** Takes all items away. */
  clear(): T[] {
    const items = this.#first === 0 ? this.#items : this.#items.slice(this.#first);
    this.#items = [];
    this.#first = 0;
    return items;
  }
}
