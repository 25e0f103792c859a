import assert from "node:assert/strict";
import { FragmentQueue, type QueuedMessage } from "../../src/connection/fragments.ts";
import { type MessageOpcode, Opcode } from "../../src/wire/opcode.ts";
import { hex, toHex } from "../support/vectors.ts";

/** Creates a queue that logs the messages it releases. */
function queueWith(log: string[]): FragmentQueue {
  return new FragmentQueue(({ opcode, data }) => {
    log.push(`${opcode} ${typeof data === "string" ? data : toHex(data)}`);
  });
}

function message(opcode: MessageOpcode, data: string | Uint8Array): QueuedMessage {
  return { opcode, data, compress: true, written: undefined, fragment: "no" };
}

Deno.test("a new queue is idle, then has one sender at a time", async () => {
  const queue = queueWith([]);
  assert.equal(queue.isBusy, false);
  await queue.enter();
  assert.equal(queue.isBusy, true);
  queue.leave();
  assert.equal(queue.isBusy, false);
});

Deno.test("releases queued messages in order when the sender leaves", async () => {
  const log: string[] = [];
  const queue = queueWith(log);
  await queue.enter();
  queue.hold(message(Opcode.Text, "one"));
  queue.hold(message(Opcode.Binary, hex("02")));
  queue.hold(message(Opcode.Text, "three"));
  assert.deepEqual(log, []);
  queue.leave();
  assert.deepEqual(log, ["1 one", "2 02", "1 three"]);
});

Deno.test("copies queued bytes", async () => {
  const log: string[] = [];
  const queue = queueWith(log);
  const bytes = hex("01 02");
  await queue.enter();
  queue.hold(message(Opcode.Binary, bytes));
  bytes.fill(0xff);
  queue.leave();
  assert.deepEqual(log, ["2 0102"]);
});

Deno.test("size is the total size of the queued messages", async () => {
  const queue = queueWith([]);
  assert.equal(queue.size, 0);
  await queue.enter();
  queue.hold(message(Opcode.Text, "12345"));
  queue.hold(message(Opcode.Binary, new Uint8Array(10)));
  assert.equal(queue.size, 15);
  queue.leave();
  assert.equal(queue.size, 0);
});

Deno.test("waiting senders enter one at a time, between messages", async () => {
  const log: string[] = [];
  const queue = queueWith(log);
  await queue.enter();
  queue.hold(message(Opcode.Text, "before"));
  const second = queue.enter().then(() => log.push("second"));
  queue.hold(message(Opcode.Text, "between"));
  const third = queue.enter().then(() => log.push("third"));
  queue.hold(message(Opcode.Text, "after"));
  queue.leave();
  assert.equal(queue.isBusy, true, "the queue stays busy until the second sender enters");
  await second;
  assert.deepEqual(log, ["1 before", "second"]);
  queue.leave();
  await third;
  assert.deepEqual(log, ["1 before", "second", "1 between", "third"]);
  queue.leave();
  assert.deepEqual(log.at(-1), "1 after");
  assert.equal(queue.isBusy, false);
});
