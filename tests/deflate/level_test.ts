import assert from "node:assert/strict";
import { autoLevel } from "../../src/deflate/deflate.ts";

Deno.test("small messages are compressed fast, from 2 KiB on the best way pays", () => {
  assert.equal(autoLevel(0), "fast");
  assert.equal(autoLevel(2047), "fast");
  assert.equal(autoLevel(2048), "best");
  assert.equal(autoLevel(1 << 20), "best");
});
