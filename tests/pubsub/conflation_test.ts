import assert from "node:assert/strict";
import { ConflationQueue } from "../../src/pubsub/conflation_queue.ts";

function queueOf(...messages: [key: string, message: string][]): ConflationQueue<string> {
  const queue = new ConflationQueue<string>();
  for (const [key, message] of messages) queue.put(key, message, message.length);
  return queue;
}

function released(queue: ConflationQueue<string>, count: number): string[] {
  const messages: string[] = [];
  queue.release((message) => messages.push(message) < count);
  return messages;
}

Deno.test("a newer message takes the position of the earlier message with its key", () => {
  const queue = queueOf(["a", "a1"], ["b", "b1"], ["a", "a2"], ["c", "c1"], ["a", "a3"]);
  assert.equal(queue.length, 3);
  assert.deepEqual(released(queue, Infinity), ["a3", "b1", "c1"]);
  assert.equal(queue.length, 0);
});

Deno.test("put returns whether a message was replaced", () => {
  const queue = queueOf();
  assert.deepEqual(["a", "b", "a"].map((key) => queue.put(key, key, 1)), [false, false, true]);
});

Deno.test("release stops when the callback asks for it, and later resumes there", () => {
  const queue = queueOf(["a", "a1"], ["b", "b1"], ["c", "c1"]);
  assert.deepEqual(released(queue, 1), ["a1"]);
  queue.put("a", "a2", 2);
  queue.put("b", "b2", 2);
  assert.deepEqual(released(queue, 2), ["b2", "c1"]);
  assert.deepEqual(released(queue, 2), ["a2"]);
  assert.deepEqual(released(queue, 2), []);
});

Deno.test("size is the total size of the queued messages", () => {
  const queue = queueOf(["a", "12345"], ["b", "123"]);
  assert.equal(queue.size, 8);
  queue.put("a", "1", 1);
  assert.equal(queue.size, 4);
  released(queue, 1);
  assert.equal(queue.size, 3);
  released(queue, 1);
  assert.equal(queue.size, 0);
});
