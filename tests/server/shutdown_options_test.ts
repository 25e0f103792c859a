// The options of `shutdown`: what is allowed, and what is said of the rest.

import assert from "node:assert/strict";
import { checkShutdownOptions, type ShutdownOptions } from "../../src/server/shutdown_options.ts";

Deno.test("what is allowed passes", () => {
  const allowed: ShutdownOptions[] = [
    {},
    { timeout: 0, over: 0, code: 1001 },
    { timeout: 0x7fffffff, over: 0x7fffffff, code: 1012 },
    { timeout: undefined, over: undefined, code: undefined },
  ];
  for (const options of allowed) checkShutdownOptions(options);
});

for (
  const [options, error, message] of [
    [null, TypeError, /options of shutdown must be an object, got null/],
    [{ wait: 1 }, TypeError, /"wait"; known are timeout, over, code/],
    [{ timeout: "1s" }, TypeError, /"timeout" must be a number of milliseconds, got "1s"/],
    [{ timeout: 1.5 }, RangeError, /"timeout" .* got 1\.5/],
    [{ over: -1 }, RangeError, /"over" .* got -1/],
    [{ over: true }, TypeError, /"over" must be a number of milliseconds, got true/],
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
