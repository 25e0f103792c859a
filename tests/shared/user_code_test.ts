import assert from "node:assert/strict";
import { callReported, isPromiseLike, logError } from "../../src/shared/user_code.ts";
import { ConsoleWatch, withConsole } from "../support/console.ts";

Deno.test("writes an error without a handler to the console, unchanged", () => {
  const error = new Error("an unhandled error");
  assert.deepEqual(withConsole(() => logError(error)).logged, [[error]]);
});

Deno.test("writes only the errors of calls that throw or reject", async () => {
  const error = new Error("an unhandled error");
  const thrown = withConsole(() => {
    callReported(() => {
      throw error;
    }, logError);
    callReported(() => "fine", logError);
    callReported(() => Promise.resolve(), logError);
  });
  assert.deepEqual(thrown.logged, [[error]]);
  const watch = new ConsoleWatch();
  callReported(() => Promise.reject(error), logError);
  await new Promise((resolve) => setTimeout(resolve, 0));
  watch.end();
  assert.deepEqual(watch.logged, [[error]]);
});

const WAITABLE: readonly [what: string, value: unknown][] = [
  ["a promise", Promise.resolve(1)],
  ["an object with its own then method", { then: () => {} }],
  ["an object that inherits then", Object.create({ then: () => {} })],
];

const NOT_WAITABLE: readonly [what: string, value: unknown][] = [
  ["undefined", undefined],
  ["null", null],
  ["a boolean", true],
  ["a number", 7],
  ["a string", "then"],
  ["an object", {}],
  ["an object without a prototype", Object.create(null)],
  ["an object whose then is not a function", { then: true }],
  ["a function", () => {}],
];

for (const [what, value] of WAITABLE) {
  Deno.test(`${what} is a thenable`, () => assert.equal(isPromiseLike(value), true));
}

for (const [what, value] of NOT_WAITABLE) {
  Deno.test(`${what} is not a thenable`, () => assert.equal(isPromiseLike(value), false));
}
