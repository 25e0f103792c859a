import assert from "node:assert/strict";
import { Queue } from "../../src/shared/queue.ts";

Deno.test("returns items in insertion order if push and shift alternate", () => {
  const queue = new Queue<number>();
  let next = 0;
  let expected = 0;
  for (let round = 0; round < 100; round++) {
    for (let i = 0; i < round % 7; i++) queue.push(next++);
    for (let i = 0; i < round % 5; i++) {
      const item = queue.shift();
      if (item !== undefined) assert.equal(item, expected++);
    }
    assert.equal(queue.length, next - expected);
  }
  assert.deepEqual(queue.clear(), Array.from({ length: next - expected }, (_, i) => expected + i));
  assert.equal(queue.length, 0);
  assert.equal(queue.shift(), undefined);
});
