// Those that listen to a topic and do not stand yet where all others stand.

/** One of them. */
export interface Joiner {
  /** The number of the last message that it knows; none: it wants those only that come. */
  after: number | undefined;
  /** Whether it was told that it is subscribed. */
  told: boolean;
  /** Whether a read has begun since it came. */
  asked: boolean;
  /** Whether what was read does not reach back to it, and may lack nothing that it needs. */
  doubtful: boolean;
}

/** All of one topic, told apart by identity. */
export class Joiners<R extends object> {
  readonly #joiners: Map<R, Joiner> = new Map();

  /** How many there are. */
  get size(): number {
    return this.#joiners.size;
  }

  /** Whether it is one of them. */
  has(receiver: R): boolean {
    return this.#joiners.has(receiver);
  }

  /** Adds one, or lets it begin anew. */
  add(receiver: R, after: number | undefined): void {
    this.#joiners.set(receiver, { after, told: false, asked: false, doubtful: false });
  }

  /** Takes one out. */
  delete(receiver: R): void {
    this.#joiners.delete(receiver);
  }

  /** A list of this moment, to go through while they leave. */
  list(): [receiver: R, joiner: Joiner][] {
    return [...this.#joiners];
  }

  /** A read begins. */
  ask(): void {
    for (const joiner of this.#joiners.values()) joiner.asked = true;
  }

  /** The number after which to read for them; nothing where none wants what came before. */
  wanted(): number | undefined {
    let lowest: number | undefined;
    let doubtful: number | undefined;
    for (const { after, doubtful: isDoubtful } of this.#joiners.values()) {
      if (after === undefined) continue;
      if (isDoubtful) doubtful = Math.max(doubtful ?? after, after);
      else lowest = Math.min(lowest ?? after, after);
    }
    // Where the history does not reach back to the greatest of these, it does not to any of them.
    return doubtful ?? lowest;
  }
}
