// Detects messages stored twice. If an outage interrupts an append, the message is appended again,
// although the first attempt may have succeeded. Each server counts the messages it publishes, and
// the count identifies the second copy.

/** The identifier of a published message. */
export interface Identified {
  /** Its sequence number. */
  readonly number: number;
  /** The server that published it. */
  readonly origin: string;
  /** How many messages that server had published before. */
  readonly count: number;
}

/** The number of servers to track; beyond it the server seen first is dropped. */
const MAX_ORIGINS = 64;

/** The number of duplicates to remember: enough for a few outages. */
const MAX_NUMBERS = 4096;

/** The duplicates of one topic. */
export class DuplicateFilter {
  /** Created on the first message: many topics never get one. */
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
    this.#set(this.#counts, origin, count);
    return false;
  }

  /** Takes the counts of another filter, which has seen no later messages. */
  add(other: DuplicateFilter): void {
    for (const [origin, count] of other.#counts ?? []) {
      this.#counts ??= new Map();
      if (!(count <= this.#counts.get(origin)!)) this.#set(this.#counts, origin, count);
    }
  }

  #set(counts: Map<string, number>, origin: string, count: number): void {
    if (!counts.has(origin) && counts.size === MAX_ORIGINS) deleteFirst(counts);
    counts.set(origin, count);
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
