import assert from "node:assert/strict";
import {
  countOf,
  hasValue,
  type SmallSet,
  valuesOf,
  withoutValue,
  withValue,
} from "../../src/pubsub/small_set.ts";

const [a, b, c] = ["a", "b", "c"].map((name) => ({ name }));
type Named = typeof a;

function setOf(...values: Named[]): SmallSet<Named> {
  return values.reduce((set: SmallSet<Named>, value) => withValue(set, value), undefined);
}

for (const values of [[], [a], [a, b], [c, b, a]]) {
  Deno.test(`a set of ${values.length} has its values, in the order in which they came`, () => {
    const set = setOf(...values);
    assert.deepEqual([...valuesOf(set)], values);
    assert.equal(countOf(set), values.length);
    for (const value of [a, b, c]) assert.equal(hasValue(set, value), values.includes(value));
  });
}

Deno.test("values are taken out again, down to nothing and up anew", () => {
  let set = setOf(a, b, c);
  for (const [out, rest] of [[b, [a, c]], [a, [c]], [c, []]] as const) {
    set = withoutValue(set, out);
    assert.deepEqual([...valuesOf(set)], rest);
  }
  assert.equal(set, undefined);
  assert.deepEqual([...valuesOf(withValue(withValue(set, b), a))], [b, a]);
});

Deno.test("an only value needs no Set, also where there were more", () => {
  assert.equal(setOf(a), a);
  assert.equal(withoutValue(setOf(a, b), a), b);
});
