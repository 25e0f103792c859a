import assert from "node:assert/strict";
import { corrupt, InflateError } from "../../src/deflate/bits.ts";

Deno.test("an error has a message and a code", () => {
  const error = new InflateError("too-big", "more than 10 bytes");
  assert(error instanceof Error);
  assert.equal(error.name, "InflateError");
  assert.equal(error.code, "too-big");
  assert.equal(error.message, "more than 10 bytes");
});

Deno.test("corrupt() throws", () => {
  assert.throws(() => corrupt("nonsense"), {
    name: "InflateError",
    code: "corrupt",
    message: "nonsense",
  });
});
