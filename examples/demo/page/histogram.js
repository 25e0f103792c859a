// A histogram of durations with growing buckets. It gives any quantile to within 2.5 percent, and
// needs little memory.

const SMALLEST = 0.001;
const GROWTH = 1.05;
const BUCKETS = 360;

/** Times in milliseconds, from a microsecond to a quarter of a minute. */
export class Histogram {
  #counts = new Uint32Array(BUCKETS);
  /** The number of durations. */
  count = 0;
  /** The longest duration. */
  longest = 0;

  /** @param {number} milliseconds */
  add(milliseconds) {
    const bucket = Math.log(Math.max(milliseconds, SMALLEST) / SMALLEST) / Math.log(GROWTH);
    this.#counts[Math.min(BUCKETS - 1, Math.floor(bucket))]++;
    this.count++;
    this.longest = Math.max(this.longest, milliseconds);
  }

  /**
   * Returns a quantile, or `undefined` if there are no durations.
   *
   * @param {number} share 0 to 1.
   */
  quantile(share) {
    if (this.count === 0) return undefined;
    let left = share * this.count;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.#counts[bucket];
      if (left <= 0) return Math.min(this.longest, SMALLEST * GROWTH ** (bucket + 0.5));
    }
    return this.longest;
  }

  /** Clears the histogram. */
  clear() {
    this.#counts.fill(0);
    this.count = 0;
    this.longest = 0;
  }
}
