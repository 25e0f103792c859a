// The options of `shutdown`: what is allowed, and what is said of the rest.

import assert from "node:assert/strict";
import { checkShutdownOptions, type ShutdownOptions } from "../../src/server/shutdown_options.ts";

Deno.test("what is allowed passes", () => {
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
  Deno.test(`shutdown(${JSON.stringify(options)}) is refused`, () => {
    assert.throws(() => checkShutdownOptions(options as never), (thrown: Error) => {
      assert.ok(thrown instanceof error);
      assert.match(thrown.message, message);
      return true;
    });
  });
}
