import assert from "node:assert/strict";
import { logError } from "../../src/socket/log_error.ts";
import { withConsole } from "../support/console.ts";

Deno.test("an error that nobody wants is written to the console, as it is", () => {
  const error = new Error("nobody wants it");
  assert.deepEqual(withConsole(() => logError(error)).logged, [[error]]);
});
