import assert from "node:assert/strict";
import { TICK, type Timer, type TimerTarget, TimerWheel } from "../../src/shared/timer_wheel.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { Random } from "../support/random.ts";

/** One turn of the wheel in milliseconds. */
const TURN = 1024 * TICK;

/** A timer target that records the time and kind of each call. */
class Sleeper implements TimerTarget {
  readonly woken: [time: number, kind: number][] = [];
  readonly #now: () => number;
  readonly #act: () => void;

  constructor(now: () => number, act: () => void = () => {}) {
    this.#now = now;
    this.#act = act;
  }

  timerFired(kind: number): void {
    this.woken.push([this.#now(), kind]);
    this.#act();
  }
}

/** Asserts that the timer fired once, not early, and at most one tick and one millisecond late. */
function assertWoken(sleeper: Sleeper, due: number): void {
  assert.equal(sleeper.woken.length, 1, `woken ${sleeper.woken.length} times for ${due}`);
  const [[time]] = sleeper.woken;
  assert.ok(time >= due, `woken at ${time}, ${due - time} ms early`);
  assert.ok(time <= due + TICK + 1, `woken at ${time}, ${time - due} ms late`);
}

for (const delay of [0, 1, 9, 10, 11, 500, 5000, TURN - 1, TURN, TURN + 1, 60_000, 3_600_000]) {
  Deno.test(`a timer of ${delay} ms fires once and on time, started at any point within a tick`, () => {
    for (const start of [0, 1000, 1003.7, 1009.999, 123_456.5]) {
      using clock = new FakeClock(start);
      const wheel = new TimerWheel(clock.now);
      const sleeper = new Sleeper(clock.now);
      wheel.start(delay, sleeper, 7);
      assert.equal(sleeper.woken.length, 0, "the timer does not fire synchronously");
      clock.advance(delay + 3 * TURN);
      assertWoken(sleeper, start + delay);
      assert.equal(sleeper.woken[0][1], 7);
      assert.equal(wheel.size, 0);
      assert.equal(clock.running, 0, "no runtime timer is active");
    }
  });
}

Deno.test("many timers use one runtime timer, and an empty wheel uses none", () => {
  using clock = new FakeClock(0);
  const wheel = new TimerWheel(clock.now);
  const sleeper = new Sleeper(clock.now);
  const timers = Array.from({ length: 10_000 }, (_, i) => wheel.start(5000 + i % 100, sleeper, i));
  assert.equal(wheel.size, 10_000);
  assert.equal(clock.running, 1);
  assert.ok(clock.started < 10, "the runtime timer is not restarted for each timer");
  for (const timer of timers) wheel.cancel(timer);
  assert.equal(wheel.size, 0);
  assert.equal(clock.running, 0);
  clock.advance(60_000);
  assert.equal(sleeper.woken.length, 0);
});

Deno.test("a new timer that is due before all others fires on time", () => {
  using clock = new FakeClock(0);
  const wheel = new TimerWheel(clock.now);
  const [late, soon] = [new Sleeper(clock.now), new Sleeper(clock.now)];
  wheel.start(5000, late, 0);
  wheel.start(50, soon, 0);
  assert.equal(clock.running, 1);
  clock.advance(10_000);
  assertWoken(soon, 50);
  assertWoken(late, 5000);
});

Deno.test("a timer started by a firing timer does not delay others", () => {
  using clock = new FakeClock(0);
  const wheel = new TimerWheel(clock.now);
  const later = new Sleeper(clock.now);
  const first = new Sleeper(clock.now, () => wheel.start(5000, later, 0));
  const second = new Sleeper(clock.now);
  wheel.start(100, first, 0);
  wheel.start(200, second, 0);
  clock.advance(20_000);
  assertWoken(first, 100);
  assertWoken(second, 200);
  assertWoken(later, first.woken[0][0] + 5000);
});

Deno.test("a timer without delay started by a firing timer fires next", () => {
  using clock = new FakeClock(0);
  const wheel = new TimerWheel(clock.now);
  const next = new Sleeper(clock.now);
  const first = new Sleeper(clock.now, () => wheel.start(0, next, 0));
  wheel.start(100, first, 0);
  clock.advance(1000);
  assertWoken(next, first.woken[0][0]);
});

Deno.test("a canceled timer never fires; a repeated or late cancel has no effect", () => {
  using clock = new FakeClock(0);
  const wheel = new TimerWheel(clock.now);
  const [canceled, kept] = [new Sleeper(clock.now), new Sleeper(clock.now)];
  const timer = wheel.start(100, canceled, 0);
  const other = wheel.start(100, kept, 0);
  wheel.cancel(timer);
  wheel.cancel(timer);
  wheel.cancel(undefined);
  assert.equal(wheel.size, 1);
  clock.advance(1000);
  assert.equal(canceled.woken.length, 0);
  assertWoken(kept, 100);
  wheel.cancel(other);
  assert.equal(wheel.size, 0);
});

Deno.test("a timer can cancel another timer of the same tick", () => {
  using clock = new FakeClock(0);
  const wheel = new TimerWheel(clock.now);
  const victim = new Sleeper(clock.now);
  const timers: Timer[] = [];
  const killer = new Sleeper(clock.now, () => wheel.cancel(timers[0]));
  wheel.start(100, killer, 0);
  timers.push(wheel.start(100, victim, 0));
  clock.advance(1000);
  assert.deepEqual([killer.woken.length, victim.woken.length, wheel.size], [1, 0, 0]);
});

Deno.test("a stall of the process delays pending timers by its duration", () => {
  using clock = new FakeClock(0);
  const wheel = new TimerWheel(clock.now);
  const sleepers = [100, 1000, 9000, 15_000].map((delay) => {
    const sleeper = new Sleeper(clock.now);
    wheel.start(delay, sleeper, 0);
    return [sleeper, delay] as const;
  });
  clock.block(40_000);
  clock.advance(60_000);
  for (const [sleeper, delay] of sleepers) assertWoken(sleeper, 40_000 - 50 + delay);
});

Deno.test("socket input is read before a timer fires, even after a stall", () => {
  using clock = new FakeClock(0);
  const wheel = new TimerWheel(clock.now);
  const log: string[] = [];
  const judge = { timerFired: () => void log.push("judges") };
  wheel.start(100, judge, 0);
  // The event loop reads sockets between two timers without delay.
  setTimeout(() => setTimeout(() => log.push("reads")), 100);
  clock.block(3000);
  clock.advance(60);
  assert.deepEqual(log, ["reads", "judges"]);
});

for (const delay of [20, 40, 100, 300, 5000]) {
  for (const blockAt of [0, 10, delay / 2, delay - 1]) {
    Deno.test(`a stall ${blockAt} ms into ${delay} ms leaves at least half of the remaining time, or 50 ms`, () => {
      using clock = new FakeClock(0);
      const wheel = new TimerWheel(clock.now);
      const sleeper = new Sleeper(clock.now);
      wheel.start(delay, sleeper, 0);
      clock.advance(blockAt);
      clock.block(10_000);
      const { now } = clock;
      const back = now();
      clock.advance(20_000);
      const [[woken]] = sleeper.woken;
      // The minimum time after the stall, minus one tick of inaccuracy.
      const left = Math.max(5 * TICK, Math.floor((delay - blockAt) / 2)) - TICK;
      assert.ok(woken - back >= left, `woken ${woken - back} ms after the stall`);
      assert.ok(woken - back <= Math.max(6 * TICK, delay - blockAt) + TICK);
    });
  }
}

Deno.test("in a process that is always late, a timer fires within about twice its delay", () => {
  using clock = new FakeClock(0);
  const wheel = new TimerWheel(clock.now);
  const sleeper = new Sleeper(clock.now);
  wheel.start(300_000, sleeper, 0);
  const tick = { timerFired: (): void => void wheel.start(10, tick, 0) };
  const timer = wheel.start(10, tick, 0);
  for (let turn = 0; turn < 10_000 && sleeper.woken.length === 0; turn++) {
    clock.block(200);
    clock.advance(0);
  }
  assert.equal(sleeper.woken.length, 1);
  const [[time]] = sleeper.woken;
  assert.ok(time >= 300_000 && time < 800_000, `woken at ${time}`);
  wheel.cancel(timer);
});

Deno.test("a timer started while others are overdue does not delay them further", () => {
  using clock = new FakeClock(0);
  const wheel = new TimerWheel(clock.now);
  const [overdue, next] = [new Sleeper(clock.now), new Sleeper(clock.now)];
  wheel.start(100, overdue, 0);
  clock.block(3000);
  wheel.start(100, next, 0);
  clock.advance(200);
  assertWoken(overdue, 3050);
  assertWoken(next, 3100);
});

Deno.test("the wheel resumes after a long idle time", () => {
  using clock = new FakeClock(0);
  const wheel = new TimerWheel(clock.now);
  for (let run = 0; run < 5; run++) {
    const sleeper = new Sleeper(clock.now);
    wheel.start(100, sleeper, 0);
    const due = clock.now() + 100;
    clock.advance(100 + TICK + 1);
    assertWoken(sleeper, due);
    assert.equal(clock.running, 0);
    clock.advance(1_000_003);
  }
});

Deno.test("thousands of started and canceled timers do not affect a pending one", () => {
  using clock = new FakeClock(0);
  const wheel = new TimerWheel(clock.now);
  const [kept, canceled] = [new Sleeper(clock.now), new Sleeper(clock.now)];
  wheel.start(30_000, kept, 0);
  for (let i = 0; i < 20_000; i++) {
    wheel.cancel(wheel.start(5000, canceled, 0));
    if (i % 10 === 0) clock.advance(1);
  }
  assert.equal(wheel.size, 1);
  clock.advance(60_000);
  assert.equal(canceled.woken.length, 0);
  assertWoken(kept, 30_000);
});

Deno.test("random timers, some canceled or started by others, fire on time", () => {
  const random = new Random(1024);
  using clock = new FakeClock(5.5);
  const wheel = new TimerWheel(clock.now);
  const running: { sleeper: Sleeper; due: number; timer: Timer }[] = [];
  const canceled: Sleeper[] = [];
  const start = (depth: number): void => {
    const delay = random.pick([0, 1, 30, 400, 9000, 2 * TURN]) + random.below(50);
    const sleeper = new Sleeper(clock.now, () => depth > 0 && start(depth - 1));
    running.push({ sleeper, due: clock.now() + delay, timer: wheel.start(delay, sleeper, 0) });
  };
  for (let step = 0; step < 1500; step++) {
    start(random.below(3));
    const victim = random.pick(running);
    if (random.below(3) === 0 && victim.sleeper.woken.length === 0) {
      wheel.cancel(victim.timer);
      running.splice(running.indexOf(victim), 1);
      canceled.push(victim.sleeper);
    }
    clock.advance(random.below(40) / 2);
  }
  clock.advance(20 * TURN);
  for (const { sleeper, due } of running) assertWoken(sleeper, due);
  assert.ok(canceled.length > 100);
  for (const sleeper of canceled) assert.equal(sleeper.woken.length, 0);
  assert.deepEqual([wheel.size, clock.running], [0, 0]);
});
