// Tests the options of `shutdown`, and the schedule of `drainPeriod` with a fake clock.

import assert from "node:assert/strict";
import { checkShutdownOptions, Drain, type ShutdownOptions } from "../../src/server/shutdown.ts";
import { timers } from "../../src/shared/timer_wheel.ts";

Deno.test("accepts valid options", () => {
  const allowed: ShutdownOptions[] = [
    {},
    { timeout: 0, drainPeriod: 0, code: 1001 },
    { timeout: 0x7fffffff, drainPeriod: 0x7fffffff, code: 1012 },
    { timeout: undefined, drainPeriod: undefined, code: undefined },
  ];
  for (const options of allowed) checkShutdownOptions(options);
});

for (
  const [options, error, message] of [
    [null, TypeError, /options of shutdown must be an object, got null/],
    [{ wait: 1 }, TypeError, /^Unknown option "wait"\. /],
    [{ timeout: "1s" }, TypeError, /"timeout" must be a number of milliseconds, got "1s"/],
    [{ timeout: 1.5 }, RangeError, /"timeout" .* got 1\.5/],
    [{ drainPeriod: -1 }, RangeError, /"drainPeriod" .* got -1/],
    [{ drainPeriod: true }, TypeError, /"drainPeriod" must be a number of milliseconds, got true/],
    [{ code: 1000 }, RangeError, /"code" must be 1001 or 1012, got 1000/],
    [{ code: "1012" }, TypeError, /"code" must be 1001 or 1012, got "1012"/],
  ] as const
) {
  Deno.test(`rejects shutdown(${JSON.stringify(options)})`, () => {
    assert.throws(() => checkShutdownOptions(options as never), (thrown: Error) => {
      assert.ok(thrown instanceof error);
      assert.match(thrown.message, message);
      return true;
    });
  });
}

interface Draining {
  readonly drain: Drain<number>;
  /** The recorded calls. */
  readonly log: Array<number | "done">;
  /** Advances the clock to a time, fires the due timer, and returns the new calls. */
  at(time: number): Array<number | "done">;
}

/** Starts to drain the items 0, 1, 2 and so on. */
function begin(count: number, over: number, each?: (item: number) => void): Draining {
  const log: Array<number | "done"> = [];
  let time = 5000;
  const drain = new Drain(
    Array.from({ length: count }, (_, index) => index),
    over,
    (item) => {
      log.push(item);
      each?.(item);
    },
    () => void log.push("done"),
    () => time,
  );
  drain.timerFired();
  return {
    drain,
    log,
    at(now): Array<number | "done"> {
      time = 5000 + now;
      log.length = 0;
      drain.timerFired();
      return [...log];
    },
  };
}

Deno.test("without a drainPeriod, handles all items immediately and in order", () => {
  assert.deepEqual(begin(3, 0).log, [0, 1, 2, "done"]);
  assert.deepEqual(begin(0, 0).log, ["done"]);
  assert.deepEqual(begin(0, 1000).log, ["done"]);
  assert.equal(timers.size, 0);
});

Deno.test("spreads items evenly: the first immediately, the others at equal intervals", () => {
  const { drain, log, at } = begin(4, 1000);
  assert.deepEqual(log, [0]);
  assert.equal(timers.size, 1, "the schedule uses one timer");
  assert.deepEqual(at(249), []);
  drain.stop();
  assert.equal(timers.size, 0);
});

for (
  const [time, items] of [[249, []], [250, [1]], [510, [1, 2]], [750, [1, 2, 3, "done"]]] as const
) {
  Deno.test(`drains ${items.length} more of four items over one second after ${time} ms`, () => {
    const { drain, at } = begin(4, 1000);
    assert.deepEqual(at(time), items);
    drain.stop();
    assert.equal(timers.size, 0);
  });
}

Deno.test("drains ten thousand items over one minute without bursts", () => {
  const { drain, log, at } = begin(10_000, 60_000);
  let gone = log.length;
  for (let time = 10; time <= 60_000; time += 10) {
    const now = at(time).filter((item) => item !== "done").length;
    assert.ok(now <= 2, `${now} at ${time}`);
    gone += now;
  }
  assert.equal(gone, 10_000);
  drain.stop();
  assert.equal(timers.size, 0);
});

Deno.test("finish handles the remaining items and reports completion once", () => {
  const { drain, log } = begin(4, 1000);
  drain.finish();
  drain.finish();
  drain.timerFired();
  assert.deepEqual(log, [0, 1, 2, 3, "done"]);
  assert.equal(timers.size, 0);
});

Deno.test("handles no further item after stop, even if the callback calls it", () => {
  const draining = begin(4, 1000);
  draining.drain.stop();
  assert.deepEqual(draining.at(2000), []);
  const within = begin(4, 1000, (item) => {
    if (item === 2) within.drain.stop();
  });
  assert.deepEqual(within.at(2000), [1, 2]);
  assert.equal(timers.size, 0);
});

Deno.test("the schedule advances without other events", async () => {
  const log: number[] = [];
  await new Promise<void>((resolve) => {
    const drain = new Drain([1, 2, 3], 30, (item) => void log.push(item), resolve);
    drain.timerFired();
    assert.deepEqual(log, [1]);
  });
  assert.deepEqual(log, [1, 2, 3]);
  assert.equal(timers.size, 0);
});
