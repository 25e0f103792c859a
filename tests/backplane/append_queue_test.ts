import assert from "node:assert/strict";
import { AppendQueue } from "../../src/backplane/outgoing.ts";
import type { BackplaneQueueOptions } from "../../src/backplane/backplane.ts";
import { Deferred, Queue } from "../support/live_harness.ts";
import { nextMacrotask } from "../support/socket_harness.ts";
import { utf8 } from "../support/vectors.ts";

const decoder = new TextDecoder();

/** A fake broker. The test settles each append. */
class Broker {
  readonly queue: AppendQueue;
  readonly appended: string[] = [];
  readonly answers: Deferred<void>[] = [];
  readonly reports = new Queue<string>();
  throws: unknown;

  constructor(limits?: BackplaneQueueOptions) {
    this.queue = new AppendQueue(
      limits,
      (_, message) => this.append(message),
      (error) => this.reports.push(`refused ${error}`),
      (count) => this.reports.push(`dropped ${count}`),
    );
  }

  append(message: Uint8Array): Promise<unknown> {
    this.appended.push(decoder.decode(message.subarray(0, 4)));
    if (this.throws !== undefined) throw this.throws;
    const answer = new Deferred<void>();
    this.answers.push(answer);
    return answer.promise;
  }

  push(...texts: string[]): void {
    for (const text of texts) this.pushTo("t", text);
  }

  pushTo(topic: string, text: string): void {
    this.queue.push(topic, utf8(text));
  }

  async keep(...indices: number[]): Promise<void> {
    for (const index of indices) this.answers[index].resolve();
    await nextMacrotask();
  }

  async refuse(...indices: number[]): Promise<void> {
    for (const index of indices) this.answers[index].reject(index);
    await nextMacrotask();
  }
}

Deno.test("appends messages in order without waiting for acknowledgements", async () => {
  const broker = new Broker();
  broker.push("a", "b");
  assert.deepEqual(broker.appended, []);
  broker.queue.up();
  broker.push("c");
  assert.deepEqual(broker.appended, ["a", "b", "c"]);
  await broker.keep(2, 0, 1);
  assert.deepEqual(broker.reports.all, []);
});

Deno.test("appends unacknowledged messages again after an outage, before queued ones", async () => {
  const broker = new Broker();
  broker.queue.up();
  broker.push("a", "b", "c");
  await broker.keep(0);
  broker.queue.down();
  broker.push("d");
  await broker.refuse(1);
  broker.queue.up();
  broker.push("e");
  assert.deepEqual(broker.appended, ["a", "b", "c", "b", "c", "d", "e"]);
  // A late rejection of an earlier attempt is ignored.
  await broker.refuse(2);
  assert.deepEqual(broker.reports.all, []);
  await broker.keep(3, 4, 5, 6);
  broker.queue.down();
  broker.queue.up();
  assert.equal(broker.appended.length, 7, "stored messages are not appended again");
});

Deno.test("appends a message again if it was rejected shortly before an outage", async () => {
  const broker = new Broker();
  broker.queue.up();
  broker.push("a", "b");
  await broker.refuse(0, 1);
  broker.queue.down();
  broker.queue.up();
  assert.deepEqual(broker.appended, ["a", "b", "a", "b"]);
  assert.deepEqual(broker.reports.all, []);
});

Deno.test("drops a message that a connected broker rejects", async () => {
  const broker = new Broker();
  broker.queue.up();
  broker.push("a", "b");
  await broker.refuse(0);
  broker.throws = "thrown";
  broker.push("c");
  broker.throws = undefined;
  assert.deepEqual(broker.reports.all, []);
  assert.deepEqual(await broker.reports.atLeast(2), ["refused 0", "refused thrown"]);
  broker.queue.down();
  broker.queue.up();
  assert.deepEqual(broker.appended, ["a", "b", "c", "b"]);
});

Deno.test("does not append a rejected message after later ones", async () => {
  const broker = new Broker();
  broker.queue.up();
  broker.push("a", "b", "c");
  await broker.refuse(0, 2);
  await broker.keep(1);
  assert.deepEqual(broker.reports.all, ["refused 0"]);
  broker.queue.down();
  broker.queue.up();
  assert.deepEqual(broker.appended, ["a", "b", "c", "c"]);
});

Deno.test("does not append a message again when later ones were acknowledged", async () => {
  const broker = new Broker();
  broker.queue.up();
  broker.push("a", "b", "c");
  await broker.keep(1);
  broker.queue.down();
  broker.queue.up();
  assert.deepEqual(broker.appended, ["a", "b", "c", "c"]);
  assert.deepEqual(broker.reports.all.length, 1);
  assert.match(broker.reports.all[0], /^refused Error: The broker confirmed later messages/);
});

Deno.test("reports a message that was stored only after a later message", async () => {
  const broker = new Broker();
  broker.queue.up();
  broker.push("a", "b");
  await broker.refuse(0);
  broker.queue.down();
  broker.queue.up();
  assert.deepEqual(broker.appended, ["a", "b", "a", "b"]);
  // The reply to the first attempt of b arrives late.
  await broker.keep(1);
  await broker.keep(2);
  assert.equal(broker.reports.all.length, 1);
  assert.match(broker.reports.all[0], /^refused Error: The broker confirmed later messages/);
  assert.equal(broker.queue.length, 0);
});

Deno.test("appends a rejected message again even if later messages on other topics were stored", async () => {
  const broker = new Broker();
  broker.queue.up();
  broker.pushTo("one", "a");
  broker.pushTo("two", "b");
  broker.pushTo("three", "c");
  await broker.refuse(0);
  await broker.keep(2);
  broker.queue.down();
  broker.queue.up();
  assert.deepEqual(broker.appended, ["a", "b", "c", "a", "b"]);
  assert.deepEqual(broker.reports.all, []);
});

Deno.test("drops a rejected message only if no outage follows within the delay", async () => {
  const broker = new Broker();
  broker.queue.up();
  broker.push("a", "b");
  await broker.refuse(0);
  broker.queue.timerFired(0);
  assert.deepEqual(broker.reports.all, []);
  await broker.refuse(1);
  broker.queue.timerFired(0);
  assert.deepEqual(broker.reports.all, ["refused 0"]);
  broker.queue.down();
  broker.queue.up();
  assert.deepEqual(broker.appended, ["a", "b", "b"]);
});

Deno.test("limits the number of pending appends and queues the rest up to a bound", async () => {
  const broker = new Broker({ maxBytes: 2 * 5, drop: "newest" });
  broker.queue.up();
  for (let i = 0; i < 1027; i++) broker.push(String(i).padStart(4, "0"));
  assert.equal(broker.appended.length, 1024);
  await broker.keep(0);
  assert.deepEqual(broker.reports.all, ["dropped 1"]);
  assert.deepEqual(broker.appended.slice(1024), ["1024"]);
  await broker.keep(1);
  assert.deepEqual(broker.appended.slice(1024), ["1024", "1025"]);
});

Deno.test("limits pending bytes, but always allows one message", async () => {
  const broker = new Broker();
  broker.queue.up();
  const large = new Uint8Array(5 << 20);
  broker.queue.push("t", large);
  broker.queue.push("t", large);
  broker.push("c");
  assert.equal(broker.appended.length, 1);
  await broker.keep(0);
  assert.equal(broker.appended.length, 2);
  await broker.keep(1);
  assert.equal(broker.appended.length, 3);
});

Deno.test("stops appending when the broker disconnects", () => {
  const broker = new Broker();
  broker.push("a", "b", "c");
  const append = broker.append.bind(broker);
  broker.append = (message) => {
    if (broker.appended.length === 1) broker.queue.down();
    return append(message);
  };
  broker.queue.up();
  assert.deepEqual(broker.appended, ["a", "b"]);
});

Deno.test("drain waits for appended messages and resolves when nothing is queued", async () => {
  const broker = new Broker();
  broker.queue.up();
  broker.push("a", "b");
  const done: string[] = [];
  broker.queue.drain(60_000, () => done.push("done"));
  await broker.keep(0);
  assert.deepEqual(done, []);
  await broker.keep(1);
  assert.deepEqual(done, ["done"]);
  broker.push("c");
  await new Promise<void>((resolve) => broker.queue.drain(10, resolve));
  assert.equal(broker.queue.length, 1);
  const cut = new Promise<void>((resolve) => broker.queue.drain(60_000, resolve));
  broker.queue.down();
  await cut;
});
