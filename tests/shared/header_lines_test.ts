import assert from "node:assert/strict";
import { type HeaderFieldsInit, headerLines } from "../../src/shared/check.ts";

const FORMS: readonly [what: string, init: HeaderFieldsInit | undefined, lines?: string[][]][] = [
  ["nothing", undefined, undefined],
  ["an empty object", {}, []],
  ["an object", { "X-One": "1", "X-Two": "2" }, [["X-One", "1"], ["X-Two", "2"]]],
  ["an array of pairs", [["X-One", "1"], ["X-One", "2"]], [["X-One", "1"], ["X-One", "2"]]],
  ["a Map", new Map([["X-One", "1"]]), [["X-One", "1"]]],
  ["a Headers", new Headers({ "X-One": "1" }), [["x-one", "1"]]],
];

for (const [what, init, lines] of FORMS) {
  Deno.test(`header fields can be given as ${what}`, () => {
    const given = headerLines(init);
    assert.deepEqual(given && [...given], lines);
  });
}

Deno.test("a list of anything but pairs is a TypeError that repeats no value", () => {
  for (const wrong of [[null], [{}], ["ab"], [["Cookie"]], [["Cookie", "secret", "more"]]]) {
    assert.throws(
      () => headerLines(wrong as unknown as HeaderFieldsInit),
      { message: 'Header fields in a list must be pairs of strings: [["X-Name", "value"]]' },
    );
  }
});

Deno.test("fields that can be iterated only once can be read twice", () => {
  function* once(): Generator<readonly [string, string]> {
    yield ["a", "1"];
  }
  const lines = headerLines(once())!;
  assert.deepEqual([[...lines], [...lines]], [[["a", "1"]], [["a", "1"]]]);
});
