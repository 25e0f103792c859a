// What waits for a connection: in order, and bounded.

import assert from "node:assert/strict";
import { MESSAGE_COST, SendQueue } from "../../src/reconnect/send_queue.ts";

/** All that waits. */
function drain(queue: SendQueue): unknown[] {
  const all: unknown[] = [];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) all.push(next.data);
  return all;
}

Deno.test("messages come out as they went in", () => {
  const queue = new SendQueue(1000);
  const options = { compress: false };
  assert.equal(queue.push("one", undefined), true);
  assert.equal(queue.push(Uint8Array.of(1, 2), options), true);
  options.compress = true;
  assert.equal(queue.shift()?.data, "one");
  assert.equal(queue.push("three", undefined), true);
  const { data, options: kept } = queue.shift()!;
  assert.deepEqual([data, kept], [Uint8Array.of(1, 2), { compress: false }]);
  assert.deepEqual(drain(queue), ["three"]);
  assert.equal(queue.size, 0);
  assert.equal(queue.shift(), undefined);
});

Deno.test("bytes are copied", () => {
  const queue = new SendQueue(1000);
  const bytes = Uint8Array.of(1);
  queue.push(bytes, undefined);
  bytes[0] = 9;
  assert.deepEqual(drain(queue), [Uint8Array.of(1)]);
});

Deno.test("what does not fit is refused and changes nothing; a smaller one may fit after it", () => {
  const queue = new SendQueue(2 * MESSAGE_COST + 4);
  assert.equal(queue.push("abc", undefined), true);
  assert.equal(queue.push("de", undefined), false);
  assert.equal(queue.push("\u00e9", undefined), false, "two bytes of UTF-8");
  assert.equal(queue.size, MESSAGE_COST + 3);
  assert.equal(queue.push("d", undefined), true);
  assert.equal(queue.push("", undefined), false, "empty ones cost something, too");
  assert.deepEqual(drain(queue), ["abc", "d"]);
});

Deno.test("a queue of 0 bytes takes nothing", () => {
  const queue = new SendQueue(0);
  assert.equal(queue.push("", undefined), false);
  assert.equal(queue.push(new Uint8Array(0), undefined), false);
});

Deno.test("clear drops all and makes room", () => {
  const queue = new SendQueue(MESSAGE_COST + 3);
  queue.push("abc", undefined);
  queue.clear();
  assert.equal(queue.size, 0);
  assert.equal(queue.push("def", undefined), true);
  assert.deepEqual(drain(queue), ["def"]);
});

Deno.test("its size is right through thousands of them", () => {
  const queue = new SendQueue(1 << 20);
  for (let i = 0; i < 5000; i++) {
    queue.push(String(i), undefined);
    if (i % 3 === 2) queue.shift();
  }
  const left = drain(queue);
  assert.equal(left.length, 5000 - 1666);
  assert.deepEqual([left[0], left.at(-1)], ["1666", "4999"]);
  assert.equal(queue.size, 0);
});
