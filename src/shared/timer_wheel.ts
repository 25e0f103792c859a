// All timers of all connections on one timer of the runtime: ten thousand idle connections cost ten
// thousand list entries, and no timers.

/** Whom a timer wakes. */
export interface TimerTarget {
  /** The timer of this kind is due. Must not throw. */
  timerFired(kind: number): void;
}

/** A running timer; give it to {@linkcode TimerWheel.cancel} to stop it. */
export interface Timer {
  /** @internal Whom to wake, `undefined` once fired or cancelled. */
  target: TimerTarget | undefined;
  /** @internal What to wake it for. */
  readonly kind: number;
  /** @internal The tick at which it is due. */
  readonly due: number;
}

/** How exact timers are, in milliseconds; they are never early. */
export const TICK = 10;

/** Ticks of one turn of the wheel. Timers further away than a turn stay in their slot for several. */
const SLOTS = 1024;

/** A hashed timer wheel. */
export class TimerWheel {
  readonly #slots: Array<Timer[] | undefined> = new Array(SLOTS).fill(undefined);
  readonly #now: () => number;
  #count = 0;
  #cancelled = 0;
  #lastTick = 0;
  #alarm: ReturnType<typeof setTimeout> | undefined;
  #alarmTick = 0;
  /** Whether timers are fired just now; the alarm for those that are left is set afterwards. */
  #turning = false;

  /** @param now A clock in milliseconds that never goes back. Default: `performance.now`. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Timers that are running. */
  get size(): number {
    return this.#count;
  }

  /** Wakes `target` after at least `delay` milliseconds. */
  start(delay: number, target: TimerTarget, kind: number): Timer {
    if (this.#count === 0) this.#lastTick = this.#tick();
    // Slots up to the last tick are done with, for this turn of the wheel.
    const due = Math.max(Math.ceil((this.#now() + delay) / TICK), this.#lastTick + 1);
    const timer: Timer = { target, kind, due };
    (this.#slots[due % SLOTS] ??= []).push(timer);
    this.#count++;
    const late = this.#alarm === undefined || due < this.#alarmTick;
    if (late && !this.#turning) this.#setAlarm(due);
    return timer;
  }

  /** Stops a timer; one that is not running is left alone. */
  cancel(timer: Timer | undefined): void {
    if (timer === undefined || timer.target === undefined) return;
    timer.target = undefined;
    this.#count--;
    if (this.#count === 0) this.#stopAlarm();
    if (++this.#cancelled > this.#count + SLOTS) this.#sweep();
  }

  #tick(): number {
    return Math.floor(this.#now() / TICK);
  }

  #setAlarm(tick: number): void {
    this.#stopAlarm();
    this.#alarmTick = tick;
    // One turn at most at a time, so that the search for the next timer stays within the slots.
    const wait = Math.min(tick * TICK - this.#now(), SLOTS * TICK);
    this.#alarm = setTimeout(() => this.#turn(), Math.max(0, Math.ceil(wait)));
  }

  #turn(): void {
    this.#alarm = undefined;
    const tick = this.#tick();
    const first = Math.max(this.#lastTick, tick - SLOTS + 1);
    this.#lastTick = tick;
    this.#turning = true;
    try {
      for (let at = first; at <= tick; at++) this.#fireSlot(at % SLOTS, tick);
    } finally {
      this.#turning = false;
      if (this.#count > 0) this.#setAlarm(this.#nextTick(tick));
    }
  }

  #fireSlot(slot: number, tick: number): void {
    const timers = this.#slots[slot];
    if (timers === undefined) return;
    this.#slots[slot] = undefined;
    for (const timer of timers) {
      const target = timer.target;
      if (target === undefined) continue;
      if (timer.due > tick) {
        (this.#slots[slot] ??= []).push(timer);
        continue;
      }
      timer.target = undefined;
      this.#count--;
      target.timerFired(timer.kind);
    }
  }

  #nextTick(tick: number): number {
    for (let ahead = 1; ahead < SLOTS; ahead++) {
      if (this.#slots[(tick + ahead) % SLOTS] !== undefined) return tick + ahead;
    }
    return tick + SLOTS;
  }

  /** Drops cancelled entries, which would otherwise stay until their slot comes round. */
  #sweep(): void {
    this.#cancelled = 0;
    for (let slot = 0; slot < SLOTS; slot++) {
      const left = this.#slots[slot]?.filter((timer) => timer.target !== undefined);
      this.#slots[slot] = left === undefined || left.length === 0 ? undefined : left;
    }
  }

  #stopAlarm(): void {
    if (this.#alarm !== undefined) clearTimeout(this.#alarm);
    this.#alarm = undefined;
  }
}

/** The wheel of this process. */
export const timers: TimerWheel = new TimerWheel();
