import assert from "node:assert/strict";
import { checkHandlers, HANDLER_NAMES } from "../../src/connection/handlers.ts";

Deno.test("there are six handlers", () => {
  assert.deepEqual(HANDLER_NAMES, ["open", "message", "ping", "pong", "drain", "close"]);
});

Deno.test("accepts any subset of the handlers", () => {
  checkHandlers({});
  checkHandlers(Object.fromEntries(HANDLER_NAMES.map((name) => [name, () => {}])));
  checkHandlers(Object.fromEntries(HANDLER_NAMES.map((name) => [name, undefined])));
});

for (const name of HANDLER_NAMES) {
  Deno.test(`${name} must be a function`, () => {
    for (const [value, shown] of [[null, "null"], [7, "7"], ["f", '"f"'], [{}, "an object"]]) {
      assert.throws(() => checkHandlers({ [name]: value }), {
        name: "TypeError",
        message: `Option "${name}" must be a function, got ${shown}`,
      });
    }
  });
}
