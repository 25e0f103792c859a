import assert from "node:assert/strict";
import { autoLevel } from "../../src/deflate/deflate.ts";

Deno.test("selects the fast level for small messages, the best level from 2 KiB", () => {
  assert.equal(autoLevel(0), "fast");
  assert.equal(autoLevel(2047), "fast");
  assert.equal(autoLevel(2048), "best");
  assert.equal(autoLevel(1 << 20), "best");
});
