// Finds messages that a history contains twice: a message whose append an outage interrupted is
// appended again, although it may have been stored. Servers count the messages that they publish,
// so that the second copy is recognized by its count.

/** The identifier of a published message. */
export interface Identified {
  /** Its sequence number. */
  readonly number: number;
  /** The server that published it. */
  readonly origin: string;
  /** How many messages that server had published before. */
  readonly count: number;
}

/** Servers of which the newest count is stored; beyond that, the one seen first is forgotten. */
const MAX_ORIGINS = 64;

/** Numbers of duplicates that are stored: those of a few outages. */
const MAX_NUMBERS = 4096;

/** The duplicates of one topic. */
export class DuplicateFilter {
  /** Created for the first message: many topics never have one. */
  #counts: Map<string, number> | undefined;
  #numbers: Set<number> | undefined;

  /** Takes the next message of the topic; returns whether it is a duplicate. */
  isDuplicate({ number, origin, count }: Identified): boolean {
    this.#counts ??= new Map();
    const newest = this.#counts.get(origin);
    if (newest !== undefined && count <= newest) {
      this.#numbers ??= new Set();
      if (this.#numbers.size === MAX_NUMBERS) deleteFirst(this.#numbers);
      this.#numbers.add(number);
      return true;
    }
    if (newest === undefined && this.#counts.size === MAX_ORIGINS) deleteFirst(this.#counts);
    this.#counts.set(origin, count);
    return false;
  }

  /** Whether a message, perhaps an earlier one, is known to be a duplicate. */
  has({ number }: Identified): boolean {
    return this.#numbers !== undefined && this.#numbers.has(number);
  }
}

function deleteFirst<K>(keys: Map<K, unknown> | Set<K>): void {
  const [first] = keys.keys();
  keys.delete(first);
}
