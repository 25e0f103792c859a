// Tests the option `reconnect`: its defaults, and errors for invalid values.

import assert from "node:assert/strict";
import { type ReconnectOptions, reconnectRules } from "../../src/reconnect/options.ts";

Deno.test("true and an empty object select all defaults", () => {
  for (const value of [true, {}] as const) {
    const { options, answers: _answers, ...rules } = reconnectRules(value);
    assert.deepEqual(options, {});
    assert.deepEqual(rules, {
      minDelay: 500,
      maxDelay: 30_000,
      maxAttempts: Infinity,
      minUptime: 10_000,
      restartDelay: [5000, 30_000],
      overloadDelay: [60_000, 120_000],
      maxQueue: 65_536,
      topics: false,
    });
  }
});

Deno.test("options are copied: later changes have no effect", () => {
  const restartDelay: [number, number] = [1, 2];
  const given: ReconnectOptions = {
    minDelay: 1,
    maxDelay: 1,
    maxAttempts: 1,
    minUptime: 0,
    restartDelay,
    overloadDelay: [3, 3],
    retry: () => true,
    maxQueue: 0,
    topics: true,
    signal: new AbortController().signal,
  };
  const { options, answers: _answers, ...rules } = reconnectRules(given);
  restartDelay[0] = 9;
  assert.equal(options, given);
  const { retry: _, signal: __, ...values } = given;
  assert.deepEqual(rules, { ...values, restartDelay: [1, 2] });
  assert.equal(reconnectRules({ overloadDelay: false }).overloadDelay, false);
  assert.equal(reconnectRules({ maxAttempts: Infinity }).maxAttempts, Infinity);
});

Deno.test("minDelay above the default maxDelay raises maxDelay", () => {
  assert.equal(reconnectRules({ minDelay: 60_000 }).maxDelay, 60_000);
});

const WRONG: readonly [unknown, RegExp][] = [
  [null, /"reconnect", unless it is true or false, must be an object, got null/],
  [[], /got an array/],
  [{ delay: 1 }, /^Unknown option "reconnect\.delay"\. /],
  [{ minDelay: 0 }, /"reconnect\.minDelay" .* from 1 .* got 0/],
  [{ minDelay: "1s" }, /"reconnect\.minDelay" must be a number of milliseconds, got "1s"/],
  [{ maxDelay: -1 }, /"reconnect\.maxDelay" .* got -1/],
  [{ minDelay: 10, maxDelay: 9 }, /"reconnect\.maxDelay" .* from 10 .* got 9/],
  [{ maxAttempts: 0 }, /"reconnect\.maxAttempts" .* from 1 .* got 0/],
  [{ maxAttempts: 1.5 }, /"reconnect\.maxAttempts" .* got 1\.5/],
  [{ maxAttempts: NaN }, /"reconnect\.maxAttempts" .* got NaN/],
  [{ minUptime: -1 }, /"reconnect\.minUptime" .* got -1/],
  [{ restartDelay: 5000 }, /"reconnect\.restartDelay" must be \[least, most\] .*, got 5000/],
  [{ restartDelay: false }, /"reconnect\.restartDelay" .* got false/],
  [{ restartDelay: [1] }, /"reconnect\.restartDelay" .* got an array/],
  [{ restartDelay: [1, "2"] }, /"reconnect\.restartDelay" .* got "2"/],
  [{ restartDelay: [1, undefined] }, /"reconnect\.restartDelay" .* got undefined/],
  [{ restartDelay: [-1, 2] }, /"reconnect\.restartDelay\[0\]" .* got -1/],
  [{ overloadDelay: [2, 1] }, /"reconnect\.overloadDelay\[1\]" .* from 2 .* got 1/],
  [{ overloadDelay: true }, /"reconnect\.overloadDelay" .* or false, got true/],
  [{ retry: true }, /"reconnect\.retry" must be a function, got true/],
  [{ maxQueue: -1 }, /"reconnect\.maxQueue" .* got -1/],
  [{ topics: 1 }, /"reconnect\.topics" must be a boolean, got 1/],
  [{ signal: {} }, /"signal"/],
];

for (const [value, message] of WRONG) {
  Deno.test(`reconnect: rejects ${JSON.stringify(value)}`, () => {
    assert.throws(() => reconnectRules(value as ReconnectOptions), (error: Error) => {
      assert.ok(error instanceof TypeError || error instanceof RangeError);
      assert.match(error.message, message);
      return true;
    });
  });
}
