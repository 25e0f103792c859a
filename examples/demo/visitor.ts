// What the server keeps with a connection of a tab.

/** Messages that a tab may say at once, and how many more it may each second. */
const ALLOWANCE = 8;
const REGAINED = 1;
const LONGEST_TAB = 64;

/** A connection of a tab: its way into the room, or one that echoes. */
export class Visitor {
  /** What the tab calls itself, the same on all its connections. */
  readonly tab: string;
  #pingedAt: number | undefined;
  #allowance = ALLOWANCE;
  #allowedAt = performance.now();

  /** @param tab What the tab calls itself. */
  constructor(tab: string) {
    this.tab = tab.slice(0, LONGEST_TAB);
  }

  /** Whether a ping is on its way. */
  get isPinged(): boolean {
    return this.#pingedAt !== undefined;
  }

  /** A ping leaves. */
  pinged(): void {
    this.#pingedAt = performance.now();
  }

  /** Handles a pong. Returns the milliseconds since the ping, if there was one. */
  ponged(): number | undefined {
    const took = this.#pingedAt === undefined ? undefined : performance.now() - this.#pingedAt;
    this.#pingedAt = undefined;
    return took;
  }

  /** Whether it may say something now. */
  maySpeak(): boolean {
    const now = performance.now();
    const regained = (now - this.#allowedAt) / 1000 * REGAINED;
    this.#allowance = Math.min(ALLOWANCE, this.#allowance + regained);
    this.#allowedAt = now;
    if (this.#allowance < 1) return false;
    this.#allowance--;
    return true;
  }
}
