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
  Deno.test(`accepts header fields as ${what}`, () => {
    const given = headerLines(init);
    assert.deepEqual(given && [...given], lines);
  });
}

Deno.test("rejects a list without pairs with a TypeError that does not show the value", () => {
  for (const wrong of [[null], [{}], ["ab"], [["Cookie"]], [["Cookie", "secret", "more"]]]) {
    assert.throws(
      () => headerLines(wrong as unknown as HeaderFieldsInit),
      { message: 'Header fields in a list must be pairs of strings: [["X-Name", "value"]]' },
    );
  }
});

Deno.test("reads fields from a one-time iterable twice", () => {
  function* once(): Generator<readonly [string, string]> {
    yield ["a", "1"];
  }
  const lines = headerLines(once())!;
  assert.deepEqual([[...lines], [...lines]], [[["a", "1"]], [["a", "1"]]]);
});
