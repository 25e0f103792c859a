// The subscriptions of one server at its broker; failed ones are retried later.

import { isPromiseLike } from "../shared/user_code.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";
import type { Backplane } from "./backplane.ts";

/** The first and the longest delay before a failed subscription is retried, in milliseconds. */
const MIN_RETRY_DELAY = 1000;
const MAX_RETRY_DELAY = 30_000;

/** The subscriptions of one server. */
export class BrokerSubscriptions implements TimerTarget {
  readonly #backplane: Pick<Backplane, "subscribe">;
  readonly #again: (topic: string) => void;
  readonly #requestFailed: (error: unknown) => void;
  #isUp = false;
  /** Topics whose subscription failed. */
  readonly #failed: Set<string> = new Set();
  #retryDelay = MIN_RETRY_DELAY;
  #retry: Timer | undefined;

  /**
   * @param backplane The broker.
   * @param again Called when it is time to resubscribe to a topic.
   * @param requestFailed Receives the first error of each failed subscription.
   */
  constructor(
    backplane: Pick<Backplane, "subscribe">,
    again: (topic: string) => void,
    requestFailed: (error: unknown) => void,
  ) {
    this.#backplane = backplane;
    this.#again = again;
    this.#requestFailed = requestFailed;
  }

  /** The broker is available, but may have lost all subscriptions. */
  up(): void {
    this.#isUp = true;
    this.#failed.clear();
    this.#retryDelay = MIN_RETRY_DELAY;
  }

  /** The broker is down. */
  down(): void {
    this.#isUp = false;
  }

  /** The server ends. */
  stop(): void {
    this.#isUp = false;
    timers.cancel(this.#retry);
  }

  /** Subscribes to a topic. Calls `made` or `failed`, now or when the broker has answered. */
  request(topic: string, made: () => void, failed: (error: unknown) => void): void {
    try {
      const result: unknown = this.#backplane.subscribe(topic);
      if (isPromiseLike(result)) result.then(made, failed);
      else made();
    } catch (error) {
      failed(error);
    }
  }

  /** A subscription was made. */
  made(topic: string): void {
    this.#failed.delete(topic);
    if (this.#failed.size === 0) this.#retryDelay = MIN_RETRY_DELAY;
  }

  /** A subscription failed: it is retried later. */
  failed(topic: string, error: unknown): void {
    if (!this.#isUp) return;
    if (!this.#failed.has(topic)) this.#requestFailed(error);
    this.#failed.add(topic);
    if (this.#retry?.target === undefined) {
      this.#retry = timers.start(this.#retryDelay, this, 0);
      this.#retryDelay = Math.min(2 * this.#retryDelay, MAX_RETRY_DELAY);
    }
  }

  /** A topic has lost its last subscriber. */
  forget(topic: string): void {
    this.#failed.delete(topic);
  }

  /** It is time to retry failed subscriptions. */
  timerFired(): void {
    if (!this.#isUp) return;
    for (const topic of [...this.#failed]) this.#again(topic);
  }
}
