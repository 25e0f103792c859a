// Limits the replay rate of each client with a token bucket, so that a client that resumes
// repeatedly does not delay others.

import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";

/** Bytes that each message costs in addition to its size. */
const MESSAGE_COST = 512;

/** The capacity of a bucket, in seconds of its rate. */
const BURST_SECONDS = 16;

/** Milliseconds between two checks of the waiting clients. */
const WAIT = 100;

interface Bucket {
  tokens: number;
  /** When tokens were added last. */
  at: number;
  isWaiting: boolean;
}

/** The pace of the replays of one server. */
export class ReplayPace<R extends object> implements TimerTarget {
  readonly #rate: number;
  readonly #ready: (receiver: R) => void;
  readonly #now: () => number;
  /** The buckets that are not full. */
  readonly #buckets: Map<R, Bucket> = new Map();
  #timer: Timer | undefined;

  /**
   * @param rate Bytes per second; 0 disables the limit.
   * @param ready Called when a receiver may receive more after `allows` returned false.
   * @param now A clock in milliseconds.
   */
  constructor(
    rate: number,
    ready: (receiver: R) => void,
    now: () => number = () => performance.now(),
  ) {
    this.#rate = rate;
    this.#ready = ready;
    this.#now = now;
  }

  /** Whether a receiver may receive more now. */
  allows(receiver: R): boolean {
    const bucket = this.#buckets.get(receiver);
    if (bucket === undefined) return true;
    this.#refill(bucket);
    if (bucket.tokens > 0) return true;
    bucket.isWaiting = true;
    this.#startTimer();
    return false;
  }

  /** Counts the bytes of a message that was sent to a receiver. */
  spend(receiver: R, bytes: number): void {
    if (this.#rate === 0) return;
    let bucket = this.#buckets.get(receiver);
    if (bucket === undefined) {
      bucket = { tokens: this.#rate * BURST_SECONDS, at: this.#now(), isWaiting: false };
      this.#buckets.set(receiver, bucket);
      this.#startTimer();
    }
    bucket.tokens -= bytes + MESSAGE_COST;
  }

  /** A receiver has disconnected. */
  forget(receiver: R): void {
    this.#buckets.delete(receiver);
  }

  /** The server ends. */
  stop(): void {
    timers.cancel(this.#timer);
    this.#buckets.clear();
  }

  /** The timer for the next check of the buckets. */
  timerFired(): void {
    for (const [receiver, bucket] of [...this.#buckets]) {
      this.#refill(bucket);
      if (bucket.tokens >= this.#rate * BURST_SECONDS) this.#buckets.delete(receiver);
      if (!bucket.isWaiting || bucket.tokens <= 0) continue;
      bucket.isWaiting = false;
      this.#ready(receiver);
    }
    if (this.#buckets.size > 0) this.#startTimer();
  }

  #refill(bucket: Bucket): void {
    const now = this.#now();
    const full = this.#rate * BURST_SECONDS;
    bucket.tokens = Math.min(full, bucket.tokens + (now - bucket.at) / 1000 * this.#rate);
    bucket.at = now;
  }

  #startTimer(): void {
    if (this.#timer?.target === undefined) this.#timer = timers.start(WAIT, this, 0);
  }
}
