import assert from "node:assert/strict";
import { TICK, type Timer, type TimerTarget, TimerWheel } from "../../src/shared/timer_wheel.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { Random } from "../support/random.ts";

/** One turn of the wheel in milliseconds. */
const TURN = 1024 * TICK;

/** A timer target that records the time and kind of each call. */
class RecordingTarget implements TimerTarget {
  readonly fired: [time: number, kind: number][] = [];
  readonly #now: () => number;
  readonly #act: () => void;

  constructor(now: () => number, act: () => void = () => {}) {
    this.#now = now;
    this.#act = act;
  }

  timerFired(kind: number): void {
    this.fired.push([this.#now(), kind]);
    this.#act();
  }
}

/** Asserts that the timer fired once, not early, and at most one tick and one millisecond late. */
function assertFired(target: RecordingTarget, due: number): void {
  assert.equal(target.fired.length, 1, `fired ${target.fired.length} times for ${due}`);
  const [[time]] = target.fired;
  assert.ok(time >= due, `fired at ${time}, ${due - time} ms early`);
  assert.ok(time <= due + TICK + 1, `fired at ${time}, ${time - due} ms late`);
}

for (const delay of [0, 1, 9, 10, 11, 500, 5000, TURN - 1, TURN, TURN + 1, 60_000, 3_600_000]) {
  Deno.test(`a timer of ${delay} ms fires once and on time, started at any point within a tick`, () => {
    for (const start of [0, 1000, 1003.7, 1009.999, 123_456.5]) {
      using clock = new FakeClock(start);
      const wheel = new TimerWheel(clock.now);
      const target = new RecordingTarget(clock.now);
      wheel.start(delay, target, 7);
      assert.equal(target.fired.length, 0, "the timer does not fire synchronously");
      clock.advance(delay + 3 * TURN);
      assertFired(target, start + delay);
      assert.equal(target.fired[0][1], 7);
      assert.equal(wheel.size, 0);
      assert.equal(clock.running, 0, "no runtime timer is active");
    }
  });
}

Deno.test("many timers use one runtime timer, and an empty wheel uses none", () => {
  using clock = new FakeClock(0);
  const wheel = new TimerWheel(clock.now);
  const target = new RecordingTarget(clock.now);
  const timers = Array.from({ length: 10_000 }, (_, i) => wheel.start(5000 + i % 100, target, i));
  assert.equal(wheel.size, 10_000);
  assert.equal(clock.running, 1);
  assert.ok(clock.started < 10, "the runtime timer is not restarted for each timer");
  for (const timer of timers) wheel.cancel(timer);
  assert.equal(wheel.size, 0);
  assert.equal(clock.running, 0);
  clock.advance(60_000);
  assert.equal(target.fired.length, 0);
});

Deno.test("a new timer that is due before all others fires on time", () => {
  using clock = new FakeClock(0);
  const wheel = new TimerWheel(clock.now);
  const [late, soon] = [new RecordingTarget(clock.now), new RecordingTarget(clock.now)];
  wheel.start(5000, late, 0);
  wheel.start(50, soon, 0);
  assert.equal(clock.running, 1);
  clock.advance(10_000);
  assertFired(soon, 50);
  assertFired(late, 5000);
});

Deno.test("a timer started by a firing timer does not delay others", () => {
  using clock = new FakeClock(0);
  const wheel = new TimerWheel(clock.now);
  const later = new RecordingTarget(clock.now);
  const first = new RecordingTarget(clock.now, () => wheel.start(5000, later, 0));
  const second = new RecordingTarget(clock.now);
  wheel.start(100, first, 0);
  wheel.start(200, second, 0);
  clock.advance(20_000);
  assertFired(first, 100);
  assertFired(second, 200);
  assertFired(later, first.fired[0][0] + 5000);
});

Deno.test("a timer without delay started by a firing timer fires next", () => {
  using clock = new FakeClock(0);
  const wheel = new TimerWheel(clock.now);
  const next = new RecordingTarget(clock.now);
  const first = new RecordingTarget(clock.now, () => wheel.start(0, next, 0));
  wheel.start(100, first, 0);
  clock.advance(1000);
  assertFired(next, first.fired[0][0]);
});

Deno.test("a canceled timer never fires; a repeated or late cancel has no effect", () => {
  using clock = new FakeClock(0);
  const wheel = new TimerWheel(clock.now);
  const [canceled, kept] = [new RecordingTarget(clock.now), new RecordingTarget(clock.now)];
  const timer = wheel.start(100, canceled, 0);
  const other = wheel.start(100, kept, 0);
  wheel.cancel(timer);
  wheel.cancel(timer);
  wheel.cancel(undefined);
  assert.equal(wheel.size, 1);
  clock.advance(1000);
  assert.equal(canceled.fired.length, 0);
  assertFired(kept, 100);
  wheel.cancel(other);
  assert.equal(wheel.size, 0);
});

Deno.test("a timer can cancel another timer of the same tick", () => {
  using clock = new FakeClock(0);
  const wheel = new TimerWheel(clock.now);
  const victim = new RecordingTarget(clock.now);
  const timers: Timer[] = [];
  const killer = new RecordingTarget(clock.now, () => wheel.cancel(timers[0]));
  wheel.start(100, killer, 0);
  timers.push(wheel.start(100, victim, 0));
  clock.advance(1000);
  assert.deepEqual([killer.fired.length, victim.fired.length, wheel.size], [1, 0, 0]);
});

Deno.test("a stall of the process delays pending timers by its duration", () => {
  using clock = new FakeClock(0);
  const wheel = new TimerWheel(clock.now);
  const targets = [100, 1000, 9000, 15_000].map((delay) => {
    const target = new RecordingTarget(clock.now);
    wheel.start(delay, target, 0);
    return [target, delay] as const;
  });
  clock.block(40_000);
  clock.advance(60_000);
  for (const [target, delay] of targets) assertFired(target, 40_000 - 50 + delay);
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
      const target = new RecordingTarget(clock.now);
      wheel.start(delay, target, 0);
      clock.advance(blockAt);
      clock.block(10_000);
      const { now } = clock;
      const back = now();
      clock.advance(20_000);
      const [[fired]] = target.fired;
      // The minimum time after the stall, minus one tick of inaccuracy.
      const left = Math.max(5 * TICK, Math.floor((delay - blockAt) / 2)) - TICK;
      assert.ok(fired - back >= left, `fired ${fired - back} ms after the stall`);
      assert.ok(fired - back <= Math.max(6 * TICK, delay - blockAt) + TICK);
    });
  }
}

Deno.test("in a process whose event loop is always late, a timer fires within about twice its delay", () => {
  using clock = new FakeClock(0);
  const wheel = new TimerWheel(clock.now);
  const target = new RecordingTarget(clock.now);
  wheel.start(300_000, target, 0);
  const tick = { timerFired: (): void => void wheel.start(10, tick, 0) };
  const timer = wheel.start(10, tick, 0);
  for (let turn = 0; turn < 10_000 && target.fired.length === 0; turn++) {
    clock.block(200);
    clock.advance(0);
  }
  assert.equal(target.fired.length, 1);
  const [[time]] = target.fired;
  assert.ok(time >= 300_000 && time < 800_000, `fired at ${time}`);
  wheel.cancel(timer);
});

Deno.test("a timer started while others are overdue does not delay them further", () => {
  using clock = new FakeClock(0);
  const wheel = new TimerWheel(clock.now);
  const [overdue, next] = [new RecordingTarget(clock.now), new RecordingTarget(clock.now)];
  wheel.start(100, overdue, 0);
  clock.block(3000);
  wheel.start(100, next, 0);
  clock.advance(200);
  assertFired(overdue, 3050);
  assertFired(next, 3100);
});

Deno.test("the wheel resumes after a long idle time", () => {
  using clock = new FakeClock(0);
  const wheel = new TimerWheel(clock.now);
  for (let run = 0; run < 5; run++) {
    const target = new RecordingTarget(clock.now);
    wheel.start(100, target, 0);
    const due = clock.now() + 100;
    clock.advance(100 + TICK + 1);
    assertFired(target, due);
    assert.equal(clock.running, 0);
    clock.advance(1_000_003);
  }
});

Deno.test("thousands of started and canceled timers do not affect a pending one", () => {
  using clock = new FakeClock(0);
  const wheel = new TimerWheel(clock.now);
  const [kept, canceled] = [new RecordingTarget(clock.now), new RecordingTarget(clock.now)];
  wheel.start(30_000, kept, 0);
  for (let i = 0; i < 20_000; i++) {
    wheel.cancel(wheel.start(5000, canceled, 0));
    if (i % 10 === 0) clock.advance(1);
  }
  assert.equal(wheel.size, 1);
  clock.advance(60_000);
  assert.equal(canceled.fired.length, 0);
  assertFired(kept, 30_000);
});

Deno.test("random timers, some canceled or started by others, fire on time", () => {
  const random = new Random(1024);
  using clock = new FakeClock(5.5);
  const wheel = new TimerWheel(clock.now);
  const running: { target: RecordingTarget; due: number; timer: Timer }[] = [];
  const canceled: RecordingTarget[] = [];
  const start = (depth: number): void => {
    const delay = random.pick([0, 1, 30, 400, 9000, 2 * TURN]) + random.below(50);
    const target = new RecordingTarget(clock.now, () => depth > 0 && start(depth - 1));
    running.push({ target, due: clock.now() + delay, timer: wheel.start(delay, target, 0) });
  };
  for (let step = 0; step < 1500; step++) {
    start(random.below(3));
    const victim = random.pick(running);
    if (random.below(3) === 0 && victim.target.fired.length === 0) {
      wheel.cancel(victim.timer);
      running.splice(running.indexOf(victim), 1);
      canceled.push(victim.target);
    }
    clock.advance(random.below(40) / 2);
  }
  clock.advance(20 * TURN);
  for (const { target, due } of running) assertFired(target, due);
  assert.ok(canceled.length > 100);
  for (const target of canceled) assert.equal(target.fired.length, 0);
  assert.deepEqual([wheel.size, clock.running], [0, 0]);
});
