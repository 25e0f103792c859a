// Lets go of many things one after the other, evenly over a time, with one timer for all of them.

import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";

/** Spreads what is done to each of a list over a time: the first at once, in the order of the list. */
export class Drain<I> implements TimerTarget {
  readonly #items: readonly I[];
  readonly #over: number;
  readonly #each: (item: I) => void;
  readonly #done: () => void;
  readonly #now: () => number;
  readonly #start: number;
  #next = 0;
  #timer: Timer | undefined;
  #isOver = false;

  /**
   * @param items To whom it is done.
   * @param over Milliseconds that it takes; 0 is at once.
   * @param each What is done.
   * @param done Called when it was done to all.
   * @param now A clock in milliseconds. Default: `performance.now`.
   */
  constructor(
    items: readonly I[],
    over: number,
    each: (item: I) => void,
    done: () => void,
    now: () => number = () => performance.now(),
  ) {
    this.#items = items;
    this.#over = over;
    this.#each = each;
    this.#done = done;
    this.#now = now;
    this.#start = now();
  }

  /** Goes on with those whose time has come. */
  timerFired(): void {
    timers.cancel(this.#timer);
    const { length } = this.#items;
    const elapsed = this.#now() - this.#start;
    // The item at index i is due when i / length of the time has passed.
    const due = elapsed >= this.#over ? length : Math.floor(elapsed / this.#over * length) + 1;
    this.#upTo(Math.min(due, length));
    if (this.#isOver) return;
    if (this.#next === length) return this.#end();
    const wait = this.#next / length * this.#over - (this.#now() - this.#start);
    this.#timer = timers.start(Math.max(0, wait), this, 0);
  }

  /** Does it to all that are left, at once. */
  finish(): void {
    if (this.#isOver) return;
    timers.cancel(this.#timer);
    this.#upTo(this.#items.length);
    this.#end();
  }

  /** Does it to nobody any more. */
  stop(): void {
    this.#isOver = true;
    timers.cancel(this.#timer);
  }

  #upTo(end: number): void {
    while (this.#next < end && !this.#isOver) this.#each(this.#items[this.#next++]);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#done();
  }
}
