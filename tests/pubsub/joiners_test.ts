import assert from "node:assert/strict";
import { Joiners } from "../../src/pubsub/joiners.ts";

const [a, b, c] = ["a", "b", "c"].map((name) => ({ name }));

Deno.test("joiners come, begin anew and go", () => {
  const joiners = new Joiners<{ name: string }>();
  joiners.add(a, 5);
  joiners.add(b, undefined);
  joiners.ask();
  joiners.add(c, 9);
  joiners.add(a, 7);
  assert.equal(joiners.size, 3);
  assert.deepEqual(joiners.list().map(([{ name }, { after, asked }]) => [name, after, asked]), [
    ["a", 7, false],
    ["b", undefined, true],
    ["c", 9, false],
  ]);
  joiners.delete(a);
  joiners.delete(a);
  assert.deepEqual([joiners.size, joiners.has(a), joiners.has(b)], [2, false, true]);
});

Deno.test("the smallest number is wanted; of those in doubt, and first, the greatest", () => {
  const joiners = new Joiners<{ name: string }>();
  assert.equal(joiners.wanted(), undefined);
  joiners.add(b, undefined);
  assert.equal(joiners.wanted(), undefined);
  joiners.add(a, 5);
  joiners.add(c, 0);
  assert.equal(joiners.wanted(), 0);
  for (const [, joiner] of joiners.list()) joiner.doubtful = true;
  joiners.add({ name: "d" }, 3);
  assert.equal(joiners.wanted(), 5);
});
