import assert from "node:assert/strict";
import { Arrivals } from "../../src/pubsub/arrivals.ts";
import type { TopicMessage } from "../../src/pubsub/topic_page.ts";

/** What came: numbers, each with the one before it. */
function arrivalsOf(...entries: [number: number, previous: number][]): Arrivals<TopicMessage> {
  const arrivals = new Arrivals<TopicMessage>();
  for (const [number, previous] of entries) {
    arrivals.add({ number, origin: "", count: 0, size: 10 }, previous);
  }
  return arrivals;
}

function numbers(messages: readonly TopicMessage[] | undefined): number[] | undefined {
  return messages?.map(({ number }) => number);
}

Deno.test("what is not newer than the newest is not added", () => {
  const arrivals = arrivalsOf([2, 1], [4, 2], [4, 2], [2, 1], [5, 4]);
  assert.deepEqual(arrivals.after(0).map(({ message }) => message.number), [2, 4, 5]);
  assert.deepEqual(arrivals.after(2).map(({ previous }) => previous), [2, 4]);
  assert.equal(arrivals.size, 30);
});

Deno.test("all between two numbers is given only where nothing is missing", () => {
  const arrivals = arrivalsOf([3, 2], [5, 3], [9, 7], [10, 9]);
  assert.deepEqual(numbers(arrivals.between(2, 5)), [3, 5]);
  assert.deepEqual(numbers(arrivals.between(3, 5)), [5]);
  assert.deepEqual(numbers(arrivals.between(5, 5)), []);
  assert.deepEqual(numbers(arrivals.between(7, 10)), [9, 10]);
  assert.equal(arrivals.between(1, 5), undefined, "the first is missing");
  assert.equal(arrivals.between(3, 10), undefined, "7 is missing");
  assert.equal(arrivals.between(9, 11), undefined, "the last is missing");
});
