import assert from "node:assert/strict";
import { checkCloseArguments } from "../../src/connection/arguments.ts";
import { MAX_CLOSE_REASON } from "../../src/wire/close.ts";
import { utf8 } from "../support/vectors.ts";

const LEGAL = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]
  .concat([3000, 3999, 4000, 4999]);
const ILLEGAL = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535];

Deno.test("accepts valid close codes and reasons", () => {
  for (const code of LEGAL) checkCloseArguments(code, "");
  checkCloseArguments(1000, "x".repeat(123));
  checkCloseArguments(1000, "\u20ac".repeat(41));
});

Deno.test("rejects a close code that must not be sent with a RangeError that shows it", () => {
  for (const code of ILLEGAL.concat(-1, 70000)) {
    assert.throws(() => checkCloseArguments(code, ""), {
      name: "RangeError",
      message: new RegExp(`got ${code}$`),
    });
  }
});

Deno.test("rejects a code or reason of the wrong type with a TypeError", () => {
  for (
    const code of [1000.5, NaN, Infinity, "1000", null, {}, Symbol("1000"), Object.create(null)]
  ) {
    assert.throws(() => checkCloseArguments(code as unknown as number, ""), TypeError);
  }
  for (const reason of [null, 7, new Uint8Array(3), Symbol("bye")]) {
    assert.throws(() => checkCloseArguments(1000, reason as unknown as string), TypeError);
  }
});

Deno.test("rejects a reason over 123 bytes of UTF-8 with a RangeError", () => {
  assert.equal(MAX_CLOSE_REASON, 123);
  for (const reason of ["x".repeat(124), "\u20ac".repeat(42), "\u00e9".repeat(62)]) {
    assert.ok(utf8(reason).length > 123);
    assert.throws(() => checkCloseArguments(1000, reason), RangeError);
  }
});
