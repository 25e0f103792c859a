// How long a backplane waits before it tries to use its broker again.

/** A delay that doubles with each attempt. All values are in milliseconds. */
export class RetryDelay {
  readonly #min: number;
  readonly #max: number;
  #next: number;
  #upSince = 0;

  /** @param min The first delay. @param max The longest one. */
  constructor(min: number, max: number) {
    this.#min = this.#next = min;
    this.#max = max;
  }

  /** The broker is usable. */
  up(): void {
    this.#upSince = performance.now();
  }

  /**
   * The broker is no longer usable. The delays continue to grow if that follows soon: otherwise a
   * broker that accepts connections but stores nothing would cause a flood of attempts.
   */
  down(): void {
    if (performance.now() - this.#upSince > this.#max) this.#next = this.#min;
  }

  /** Returns the delay of the next attempt. */
  next(): number {
    const delay = this.#next;
    this.#next = Math.min(delay * 2, this.#max);
    return delay;
  }
}
