import assert from "node:assert/strict";
import { BoundedQueue } from "../../src/backplane/outgoing.ts";

function drainQueue(queue: BoundedQueue): string[] {
  const messages: string[] = [];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    messages.push(`${next.topic}${next.message.length}`);
  }
  return messages;
}

/** Creates a queue with messages of these sizes in bytes, each on a one-letter topic. */
function queueOf(drop: "oldest" | "newest", maxBytes: number, ...sizes: number[]): BoundedQueue {
  const queue = new BoundedQueue({ drop, maxBytes });
  sizes.forEach((size, i) => queue.push("abcdefgh"[i], new Uint8Array(size)));
  return queue;
}

const CASES: readonly [
  drop: "oldest" | "newest",
  maxBytes: number,
  sizes: number[],
  kept: string[],
][] = [
  ["oldest", 100, [], []],
  ["oldest", 15, [4, 4, 4], ["a4", "b4", "c4"]],
  ["oldest", 14, [4, 4, 4], ["b4", "c4"]],
  ["oldest", 14, [4, 4, 13], ["c13"]],
  ["oldest", 14, [4, 4, 14], ["a4", "b4"]],
  ["oldest", 0, [4], []],
  ["newest", 15, [4, 4, 4], ["a4", "b4", "c4"]],
  ["newest", 14, [4, 4, 4, 3], ["a4", "b4", "d3"]],
  ["newest", 14, [14, 4], ["b4"]],
];

for (const [drop, maxBytes, sizes, kept] of CASES) {
  Deno.test(`keeps [${kept}] of [${sizes}] in ${maxBytes} bytes when it drops the ${drop}`, () => {
    const queue = queueOf(drop, maxBytes, ...sizes);
    assert.ok(queue.size <= maxBytes);
    assert.deepEqual(drainQueue(queue), kept);
    assert.equal(queue.size, 0);
    assert.equal(queue.takeDropped(), sizes.length - kept.length);
    assert.equal(queue.takeDropped(), 0);
  });
}

Deno.test("preserves the order under random additions and removals", () => {
  const queue = new BoundedQueue();
  let next = 0;
  let expected = 0;
  for (let round = 1; round < 100; round++) {
    for (let i = 0; i < round % 7; i++) queue.push(String(next++), new Uint8Array(1));
    for (let i = 0; i < round % 5; i++) {
      const message = queue.shift();
      if (message !== undefined) assert.equal(message.topic, String(expected++));
    }
  }
  assert.ok(expected > 100);
  while (expected < next) assert.equal(queue.shift()?.topic, String(expected++));
  assert.equal(queue.shift(), undefined);
});

Deno.test("queues 16 MiB by default and drops the oldest messages", () => {
  const queue = new BoundedQueue();
  for (const topic of ["a", "b", "c"]) queue.push(topic, new Uint8Array((8 << 20) - 1));
  assert.equal(queue.size, 16 << 20);
  assert.equal(queue.shift()?.topic, "b");
});

Deno.test("a message put back is first in the queue, and its size counts again", () => {
  const queue = queueOf("oldest", 100, 1, 2, 3);
  for (let i = 0; i < 5; i++) {
    const { size } = queue;
    const message = queue.shift()!;
    queue.unshift(message);
    assert.equal(queue.size, size);
  }
  queue.shift();
  queue.unshift({ topic: "x", message: new Uint8Array(7) });
  assert.deepEqual(drainQueue(queue), ["x7", "b2", "c3"]);
  assert.equal(queue.size, 0);
});
