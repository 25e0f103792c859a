import assert from "node:assert/strict";
import { untraced } from "../../src/session/end.ts";

Deno.test("an untraced error has its class, message and cause, but no stack frames", () => {
  const cause = new Error("the cause");
  const error = untraced(() => new TypeError("words", { cause }));
  assert.ok(error instanceof TypeError);
  assert.equal(error.message, "words");
  assert.equal(error.cause, cause);
  // JavaScriptCore omits the property.
  assert.ok(error.stack === undefined || error.stack === "TypeError: words", error.stack);
});

Deno.test("later errors have a stack trace again, even after the function throws", () => {
  const before = Reflect.get(Error, "stackTraceLimit");
  const failure = new RangeError("made nothing");
  assert.throws(() =>
    untraced(() => {
      throw failure;
    }), failure);
  assert.equal(Reflect.get(Error, "stackTraceLimit"), before);
  assert.match(new Error("traced").stack!, /untraced_test/);
});
