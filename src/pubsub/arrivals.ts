// What came of a topic while its history was read: some of it was handed on, some is held.

import type { TopicMessage } from "./topic_page.ts";

/** A message that came. */
export interface Arrival<M> {
  /** The message. */
  readonly message: M;
  /** The number of the one before it. */
  readonly previous: number;
}

/** The messages that came, in order. */
export class Arrivals<M extends TopicMessage> {
  readonly #arrivals: Arrival<M>[] = [];
  #size = 0;

  /** Bytes of all. */
  get size(): number {
    return this.#size;
  }

  /** Adds a message, unless it is none of the newest. */
  add(message: M, previous: number): void {
    const newest = this.#arrivals.at(-1);
    if (newest !== undefined && message.number <= newest.message.number) return;
    this.#arrivals.push({ message, previous });
    this.#size += message.size;
  }

  /** Those that are newer than a number. */
  after(number: number): Arrival<M>[] {
    return this.#arrivals.filter(({ message }) => message.number > number);
  }

  /** All messages behind one number up to another; `undefined` where it is not certain that it is all. */
  between(number: number, last: number): M[] | undefined {
    let at = number;
    const messages: M[] = [];
    for (const { message, previous } of this.#arrivals) {
      if (message.number <= at || message.number > last) continue;
      if (previous > at) return undefined;
      messages.push(message);
      at = message.number;
    }
    return at === last ? messages : undefined;
  }
}
