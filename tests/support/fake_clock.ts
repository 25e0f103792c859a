// Fake timers that a test advances. `setImmediate` is a timer without delay.

interface Entry {
  readonly due: number;
  readonly wake: () => void;
}

/** The latest time of any {@linkcode VirtualTime}. */
let latest = 0;

/** A clock that also replaces `performance.now`, so that the library's timers follow it. */
export class VirtualTime implements Disposable {
  readonly #now = performance.now;
  /** The clock. */
  readonly clock: FakeClock;

  constructor() {
    // The library's clock is monotonic.
    latest = Math.max(latest, performance.now()) + 100_000;
    this.clock = new FakeClock(latest);
    performance.now = this.clock.now;
  }

  [Symbol.dispose](): void {
    latest = this.clock.now();
    performance.now = this.#now;
    this.clock[Symbol.dispose]();
  }
}

/** Replaces `setTimeout`, `clearTimeout` and `setImmediate` until disposed. */
export class FakeClock implements Disposable {
  readonly #setTimeout = globalThis.setTimeout;
  readonly #clearTimeout = globalThis.clearTimeout;
  readonly #setImmediate = globalThis.setImmediate;
  readonly #entries = new Map<number, Entry>();
  #time: number;
  #ids = 0;

  /** @param time The initial time in milliseconds. */
  constructor(time: number) {
    this.#time = time;
    const start = (wake: () => void, delay = 0): number => {
      this.#entries.set(++this.#ids, { due: this.#time + Math.max(0, delay), wake });
      return this.#ids;
    };
    globalThis.setTimeout = start as unknown as typeof setTimeout;
    globalThis.setImmediate = ((wake: () => void) => start(wake)) as unknown as typeof setImmediate;
    globalThis.clearTimeout =
      ((id: number) => this.#entries.delete(id)) as unknown as typeof clearTimeout;
  }

  /** The time in milliseconds. */
  readonly now = (): number => this.#time;

  /** The number of pending timers of the runtime. */
  get running(): number {
    return this.#entries.size;
  }

  /** The number of timers of the runtime that were started so far. */
  get started(): number {
    return this.#ids;
  }

  /** Advances the clock and runs each timer when it is due. */
  advance(milliseconds: number): void {
    const end = this.#time + milliseconds;
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      const [id, { due, wake }] = next;
      this.#entries.delete(id);
      this.#time = Math.max(this.#time, due);
      wake();
    }
    this.#time = end;
  }

  /**
   * Like {@linkcode FakeClock.advance}, but calls `settle` after each timer, so that the effects of
   * a timer happen at its time.
   */
  async pass(milliseconds: number, settle: () => Promise<void>): Promise<void> {
    const end = this.#time + milliseconds;
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      const [id, { due, wake }] = next;
      this.#entries.delete(id);
      this.#time = Math.max(this.#time, due);
      wake();
      await settle();
    }
    this.#time = end;
  }

  /** Advances the clock without running timers, as if the event loop were blocked. */
  block(milliseconds: number): void {
    this.#time += milliseconds;
  }

  #next(end: number): [number, Entry] | undefined {
    let first: [number, Entry] | undefined;
    for (const entry of this.#entries) {
      if (entry[1].due <= end && (first === undefined || entry[1].due < first[1].due)) {
        first = entry;
      }
    }
    return first;
  }

  [Symbol.dispose](): void {
    globalThis.setTimeout = this.#setTimeout;
    globalThis.clearTimeout = this.#clearTimeout;
    globalThis.setImmediate = this.#setImmediate;
  }
}
