// Tests the conversions of Web IDL with values from the specification.

import assert from "node:assert/strict";
import {
  clampedUnsignedShort,
  enforcedUnsignedShort,
  stringSequence,
  unsignedShort,
  usvString,
} from "../../src/web/webidl.ts";

Deno.test("[Clamp] rounds to the nearest integer in range, ties to even", () => {
  const cases: Array<[unknown, number]> = [
    [1000, 1000],
    [1000.4, 1000],
    [1000.5, 1000],
    [1001.5, 1002],
    [-1, 0],
    [70000, 65535],
    [Infinity, 65535],
    [NaN, 0],
    [null, 0],
    ["3000", 3000],
    ["no number", 0],
    [{ valueOf: () => 4000 }, 4000],
  ];
  for (const [value, expected] of cases) {
    assert.equal(clampedUnsignedShort(value), expected, String(value));
  }
});

Deno.test("[EnforceRange] truncates, and rejects values out of range", () => {
  assert.equal(enforcedUnsignedShort("closeCode", 3000.9), 3000);
  assert.equal(enforcedUnsignedShort("closeCode", "4000"), 4000);
  assert.ok(Object.is(enforcedUnsignedShort("closeCode", -0.5), 0));
  for (const value of [-1, 65536, NaN, Infinity, "no number", {}]) {
    assert.throws(() => enforcedUnsignedShort("closeCode", value), TypeError, String(value));
  }
});

Deno.test("converts unsigned short modulo 65536", () => {
  assert.deepEqual([65536, 65537, -1, NaN, "12", 1.9].map(unsignedShort), [0, 1, 65535, 0, 12, 1]);
});

Deno.test("USVString replaces lone surrogates and rejects symbols", () => {
  assert.equal(usvString("a\ud800b\udfffc\ud83d\ude00"), "a\ufffdb\ufffdc\ud83d\ude00");
  assert.equal(usvString(null), "null");
  assert.throws(() => usvString(Symbol("x")), TypeError);
});

Deno.test("a sequence is any iterable object except a string", () => {
  assert.deepEqual(stringSequence("protocols", new Set(["a", 5])), ["a", "5"]);
  for (const value of ["abc", 5, {}, null]) {
    assert.throws(() => stringSequence("protocols", value), TypeError);
  }
});
