import assert from "node:assert/strict";
import { callReported, logError } from "../../src/shared/log_error.ts";
import { ConsoleWatch, withConsole } from "../support/console.ts";

Deno.test("writes an error without a handler to the console, unchanged", () => {
  const error = new Error("an unhandled error");
  assert.deepEqual(withConsole(() => logError(error)).logged, [[error]]);
});

Deno.test("writes the error of a call that throws or rejects, and nothing else", async () => {
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
