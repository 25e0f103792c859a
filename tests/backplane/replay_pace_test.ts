import assert from "node:assert/strict";
import { ReplayPace } from "../../src/backplane/replay_pace.ts";
import { timers } from "../../src/shared/timer_wheel.ts";

const [a, b] = [{ name: "a" }, { name: "b" }];

/** Creates a pace with a fake clock, and a list of the receivers that become ready. */
function createPace(rate = 512): {
  pace: ReplayPace<{ name: string }>;
  ready: string[];
  clock: { now: number };
} {
  const clock = { now: 1000 };
  const ready: string[] = [];
  const pace = new ReplayPace<{ name: string }>(
    rate,
    ({ name }) => ready.push(name),
    () => clock.now,
  );
  return { pace, ready, clock };
}

Deno.test("allows a burst of 16 seconds, then limits the rate", () => {
  const { pace, ready, clock } = createPace();
  for (let i = 0; i < 16; i++) {
    assert.ok(pace.allows(a));
    pace.spend(a, 0);
  }
  assert.equal(pace.allows(a), false);
  assert.ok(pace.allows(b), "each receiver has its own bucket");
  pace.timerFired();
  assert.deepEqual(ready, []);
  clock.now += 10;
  pace.timerFired();
  pace.timerFired();
  assert.deepEqual(ready, ["a"], "once");
  pace.spend(a, 1000);
  assert.equal(pace.allows(a), false);
  clock.now += 20_000;
  assert.ok(pace.allows(a));
  pace.stop();
  assert.equal(timers.size, 0, "no timer is left");
});

Deno.test("forgets disconnected receivers and those with a full bucket", () => {
  const { pace, ready, clock } = createPace();
  for (const receiver of [a, b]) {
    pace.spend(receiver, 100_000);
    assert.equal(pace.allows(receiver), false);
  }
  pace.forget(b);
  assert.ok(pace.allows(b));
  clock.now += 1_000_000;
  pace.timerFired();
  assert.deepEqual(ready, ["a"]);
  assert.ok(pace.allows(a));
  pace.stop();
  assert.equal(timers.size, 0, "no timer is left");
});

Deno.test("a rate of 0 disables the limit", () => {
  const { pace } = createPace(0);
  pace.spend(a, 1e9);
  assert.ok(pace.allows(a));
});
