import assert from "node:assert/strict";
import { firstAfter, lacksSome, type TopicMessage } from "../../src/pubsub/topic_page.ts";

function messages(...numbers: number[]): TopicMessage[] {
  return numbers.map((number) => ({ number, origin: "", count: number, size: 1 }));
}

Deno.test("something may be missing only in front of the first message of a page", () => {
  const page = { last: 9, complete: false, messages: messages(5, 9) };
  assert.deepEqual([3, 4, 5, 7, 9].map((after) => lacksSome(page, after)), [
    true,
    true,
    false,
    false,
    false,
  ]);
  assert.equal(lacksSome({ ...page, complete: true }, 3), false);
  const empty = { ...page, messages: [] };
  assert.deepEqual([8, 9].map((after) => lacksSome(empty, after)), [true, false]);
});

Deno.test("the messages behind a number are found", () => {
  const all = messages(2, 4, 6);
  assert.deepEqual([0, 2, 3, 5, 6, 9].map((number) => firstAfter(all, number)), [0, 1, 1, 2, 3, 3]);
  assert.equal(firstAfter([], 1), 0);
});
