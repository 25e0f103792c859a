// Runs the timers of all connections on one runtime timer: ten thousand idle connections cost ten
// thousand list entries but no timers.
//
// A stall of this process never counts against a peer. When the runtime timer fires, sockets are
// read first, because timely input may still be in the kernel; and the duration of a stall,
// measured as the timer's delay, does not count. The runtime timer fires several times before a
// wheel timer is due, because only the part of a stall after its due time can be measured.

/** The callback of a timer. */
export interface TimerTarget {
  /** The timer of this kind is due. Must not throw. */
  timerFired(kind: number): void;
}

/** A running timer; pass it to {@linkcode TimerWheel.cancel} to stop it. */
export interface Timer {
  /** @internal The target, `undefined` once fired or canceled. */
  target: TimerTarget | undefined;
  /** @internal The kind of the timer. */
  readonly kind: number;
  /** @internal The tick at which it is due. */
  readonly due: number;
}

/** The precision of timers in milliseconds; they are never early. */
export const TICK = 10;

/** Ticks per turn of the wheel. Timers further away stay in their slot for several turns. */
const SLOTS = 1024;

/** The delay of the runtime timer in milliseconds that counts as a stall of the process. */
const STALL = 50;

/**
 * The maximum milliseconds of stalls to exclude; beyond it half of the time counts. Otherwise a
 * constantly busy process would never fire a timer.
 */
const MAX_STALLED = 60_000;

/**
 * Within this many ticks before the due time, the runtime timer is set for the due time instead of
 * halfway.
 */
const LAST_STEP = 4;

/**
 * Ticks to wait after a stall before timers fire: responses may need several turns of the event
 * loop, for example to open, write to and read from a connection.
 */
const TICKS_AFTER_STALL = 5;

/** Turns of the event loop for reading sockets before timers fire. */
const READING_TURNS = 2;

/** Calls `act` in a later turn of the event loop, after sockets have been read. */
function afterReading(act: () => void): void {
  const setImmediate: unknown = Reflect.get(globalThis, "setImmediate");
  if (typeof setImmediate === "function") setImmediate(act);
  else setTimeout(act);
}

/** A hashed timer wheel. */
export class TimerWheel {
  readonly #slots: Array<Timer[] | undefined> = new Array(SLOTS).fill(undefined);
  readonly #clock: () => number;
  /** The excluded milliseconds of stalls: the offset from the clock. */
  #stalled = 0;
  #count = 0;
  #canceled = 0;
  #lastTick = 0;
  #alarm: ReturnType<typeof setTimeout> | undefined;
  #alarmTick = 0;
  /** Whether a stall was detected since the alarm last fired. */
  #hasStalled = false;
  /** Whether the alarm was set after a stall. */
  #isAfterStall = false;
  /** Whether timers are firing or about to; the next alarm is set afterwards. */
  #turning = false;

  /** @param now A monotonic clock in milliseconds. Default: `performance.now`. */
  constructor(now: () => number = () => performance.now()) {
    this.#clock = now;
  }

  /** The number of running timers. */
  get size(): number {
    return this.#count;
  }

  /** Calls `target` after at least `delay` milliseconds. */
  start(delay: number, target: TimerTarget, kind: number): Timer {
    if (this.#alarm !== undefined) this.#detectStall();
    if (this.#count === 0) this.#lastTick = this.#tick();
    // Slots up to the last tick have already been processed in this turn.
    const due = Math.max(Math.ceil((this.#now() + delay) / TICK), this.#lastTick + 1);
    const timer: Timer = { target, kind, due };
    (this.#slots[due % SLOTS] ??= []).push(timer);
    this.#count++;
    const late = this.#alarm === undefined || due < this.#alarmTick;
    if (late && !this.#turning) this.#setAlarmFor(due);
    return timer;
  }

  /** Stops a timer if it is running. */
  cancel(timer: Timer | undefined): void {
    if (timer === undefined || timer.target === undefined) return;
    timer.target = undefined;
    this.#count--;
    if (this.#count === 0) this.#stopAlarm();
    if (++this.#canceled > this.#count + SLOTS) this.#sweep();
  }

  #now(): number {
    return this.#clock() - this.#stalled;
  }

  /** Excludes the alarm's delay from the wheel's time. Returns whether it was long. */
  #detectStall(): boolean {
    const late = this.#now() - this.#alarmTick * TICK;
    if (late <= STALL) return false;
    const most = MAX_STALLED + this.#clock() / 2 - this.#stalled;
    const stall = Math.max(0, Math.min(late, most));
    this.#stalled += stall;
    if (stall <= STALL) return false;
    return this.#hasStalled = true;
  }

  #tick(): number {
    return Math.floor(this.#now() / TICK);
  }

  /** Sets the alarm for a timer's due tick, or halfway to it. */
  #setAlarmFor(due: number): void {
    const tick = this.#tick();
    const rest = due - tick;
    // At most one turn, so that the search for the next timer stays within the slots.
    this.#setAlarm(rest > LAST_STEP ? tick + Math.min(rest >> 1, SLOTS) : due);
  }

  #setAlarm(tick: number): void {
    this.#stopAlarm();
    this.#alarmTick = tick;
    const wait = tick * TICK - this.#now();
    this.#alarm = setTimeout(() => this.#alarmFired(), Math.max(0, Math.ceil(wait)));
  }

  #alarmFired(): void {
    this.#alarm = undefined;
    this.#detectStall();
    this.#isAfterStall = this.#hasStalled && !this.#isAfterStall;
    this.#hasStalled = false;
    if (this.#isAfterStall) {
      this.#setAlarm(this.#tick() + TICKS_AFTER_STALL);
      return;
    }
    this.#turning = true;
    this.#read(READING_TURNS);
  }

  /** Lets sockets be read, then fires due timers. */
  #read(turns: number): void {
    afterReading(() => {
      // The process may stall here too.
      if (this.#detectStall()) this.#read(READING_TURNS);
      else if (turns > 1) this.#read(turns - 1);
      else this.#turn();
    });
  }

  #turn(): void {
    const tick = this.#tick();
    const first = Math.max(this.#lastTick, tick - SLOTS + 1);
    this.#lastTick = tick;
    try {
      for (let at = first; at <= tick; at++) this.#fireSlot(at % SLOTS, tick);
    } finally {
      this.#turning = false;
      if (this.#count > 0) this.#setAlarmFor(this.#nextTick(tick));
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

  /** Drops canceled entries before their slot is reached. */
  #sweep(): void {
    this.#canceled = 0;
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

/** The timer wheel of this process. */
export const timers: TimerWheel = new TimerWheel();
