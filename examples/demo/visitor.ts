// The data of a tab's connection on the server.

/** The burst of messages that a tab may send, and the rate per second. */
const ALLOWANCE = 8;
const REGAINED = 1;
const LONGEST_TAB = 64;

/** A tab's connection to the chat room or to the echo. */
export class Visitor {
  /** The tab's identifier, which is the same on all its connections. */
  readonly tab: string;
  #pingedAt: number | undefined;
  #allowance = ALLOWANCE;
  #allowedAt = performance.now();

  /** @param tab The tab's identifier. */
  constructor(tab: string) {
    this.tab = tab.slice(0, LONGEST_TAB);
  }

  /** Whether a ping is pending. */
  get isPinged(): boolean {
    return this.#pingedAt !== undefined;
  }

  /** Records a sent ping. */
  pinged(): void {
    this.#pingedAt = performance.now();
  }

  /** Handles a pong. Returns the milliseconds since the ping, if there was one. */
  ponged(): number | undefined {
    const took = this.#pingedAt === undefined ? undefined : performance.now() - this.#pingedAt;
    this.#pingedAt = undefined;
    return took;
  }

  /** Whether the tab may send a message now. */
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
