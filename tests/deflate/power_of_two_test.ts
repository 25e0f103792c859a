import assert from "node:assert/strict";
import { powerOfTwo } from "../../src/deflate/tables.ts";

Deno.test("8 to 15 bits give 256 to 32768", () => {
  const sizes = [8, 9, 10, 11, 12, 13, 14, 15].map((bits) => powerOfTwo("bits", bits));
  assert.deepEqual(sizes, [256, 512, 1024, 2048, 4096, 8192, 16384, 32768]);
});

Deno.test("the error for any other number of bits names the option", () => {
  for (const bits of [7, 16, 0, -8, 8.5, NaN, Infinity]) {
    assert.throws(() => powerOfTwo("windowBits", bits), {
      name: "RangeError",
      message: `windowBits is ${bits}: it must be an integer from 8 to 15`,
    });
  }
});
