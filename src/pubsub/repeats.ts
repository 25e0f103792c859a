// Messages that are in a history twice: one whose append was cut off by the engine's going away is
// appended again, although it may have been kept. Servers count what they publish, so the second of
// the two is known by its count.

/** What tells one published message from all others. */
export interface Identified {
  /** Its number in the history of its topic. */
  readonly number: number;
  /** The server that published it. */
  readonly origin: string;
  /** How many that server had published before it; grows in the messages of a topic. */
  readonly count: number;
}

/** Servers of which the newest count is known; beyond them the one that was seen first is forgotten. */
const MAX_ORIGINS = 64;

/** Numbers of repeated messages that are known: those of a few outages. */
const MAX_NUMBERS = 4096;

/** What is known of repeated messages of one topic. */
export class Repeats {
  /** Made when the first message comes: many topics are silent. */
  #counts: Map<string, number> | undefined;
  #numbers: Set<number> | undefined;

  /** Takes the next message of the topic into account; returns whether it is a repeated one. */
  isRepeat({ number, origin, count }: Identified): boolean {
    this.#counts ??= new Map();
    const newest = this.#counts.get(origin);
    if (newest !== undefined && count <= newest) {
      this.#numbers ??= new Set();
      if (this.#numbers.size === MAX_NUMBERS) removeFirst(this.#numbers);
      this.#numbers.add(number);
      return true;
    }
    if (newest === undefined && this.#counts.size === MAX_ORIGINS) removeFirst(this.#counts);
    this.#counts.set(origin, count);
    return false;
  }

  /** Whether a message, which may be one from before, is known to be a repeated one. */
  has({ number }: Identified): boolean {
    return this.#numbers !== undefined && this.#numbers.has(number);
  }

  /** A piece of the history without what is repeated in it, or is known to be. */
  without<M extends Identified>(messages: readonly M[]): M[] {
    const within = new Repeats();
    return messages.filter((message) => !within.isRepeat(message) && !this.has(message));
  }
}

function removeFirst<K>(keys: Map<K, unknown> | Set<K>): void {
  const [first] = keys.keys();
  keys.delete(first);
}
