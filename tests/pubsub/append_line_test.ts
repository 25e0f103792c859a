import assert from "node:assert/strict";
import { AppendLine, type AppendLineOwner } from "../../src/pubsub/append_line.ts";
import type { BackplaneQueueOptions } from "../../src/pubsub/backplane.ts";
import { Deferred } from "../support/live_harness.ts";
import { quiet } from "../support/socket_harness.ts";
import { utf8 } from "../support/vectors.ts";

const decoder = new TextDecoder();

/** An engine whose answers are given by hand. */
class Engine implements AppendLineOwner {
  readonly line: AppendLine;
  readonly appended: string[] = [];
  readonly answers: Deferred<void>[] = [];
  readonly told: string[] = [];
  throws: unknown;

  constructor(limits?: BackplaneQueueOptions) {
    this.line = new AppendLine(limits, this);
  }

  append(_topic: string, message: Uint8Array): Promise<unknown> {
    this.appended.push(decoder.decode(message.subarray(0, 4)));
    if (this.throws !== undefined) throw this.throws;
    const answer = new Deferred<void>();
    this.answers.push(answer);
    return answer.promise;
  }

  failed(error: unknown): void {
    this.told.push(`refused ${error}`);
  }

  dropped(count: number): void {
    this.told.push(`dropped ${count}`);
  }

  suspect(): void {
    this.told.push("suspect");
  }

  push(...texts: string[]): void {
    for (const text of texts) this.line.push("t", utf8(text));
  }

  async keep(...indices: number[]): Promise<void> {
    for (const index of indices) this.answers[index].resolve();
    await quiet();
  }

  async refuse(...indices: number[]): Promise<void> {
    for (const index of indices) this.answers[index].reject(index);
    await quiet();
  }
}

Deno.test("messages are handed over in order, without waiting for the answers", async () => {
  const engine = new Engine();
  engine.push("a", "b");
  assert.deepEqual(engine.appended, []);
  engine.line.up();
  engine.push("c");
  assert.deepEqual(engine.appended, ["a", "b", "c"]);
  await engine.keep(2, 0, 1);
  assert.deepEqual(engine.told, []);
});

Deno.test("what an outage cuts off goes in again, before what has waited", async () => {
  const engine = new Engine();
  engine.line.up();
  engine.push("a", "b", "c");
  await engine.keep(0);
  engine.line.down();
  engine.push("d");
  await engine.refuse(1);
  engine.line.up();
  engine.push("e");
  assert.deepEqual(engine.appended, ["a", "b", "c", "b", "c", "d", "e"]);
  // An answer to the attempt before: a refusal counts no more, but what is kept is kept.
  await engine.refuse(2);
  assert.deepEqual(engine.told, []);
  await engine.keep(3, 4, 5, 6);
  engine.line.down();
  engine.line.up();
  assert.equal(engine.appended.length, 7, "all are kept");
});

Deno.test("what is refused shortly before an outage goes in again", async () => {
  const engine = new Engine();
  engine.line.up();
  engine.push("a", "b");
  await engine.refuse(0, 1);
  assert.deepEqual(engine.told, ["suspect", "suspect"]);
  engine.line.down();
  engine.line.trust();
  engine.line.up();
  assert.deepEqual(engine.appended, ["a", "b", "a", "b"]);
  assert.equal(engine.told.length, 2);
});

Deno.test("what is refused by an engine that stays is given up", async () => {
  const engine = new Engine();
  engine.line.up();
  engine.push("a", "b");
  await engine.refuse(0);
  engine.throws = "at once";
  engine.push("c");
  engine.throws = undefined;
  assert.deepEqual(engine.told, ["suspect", "suspect"]);
  engine.line.trust();
  assert.deepEqual(engine.told.slice(2), ["refused 0", "refused at once"]);
  engine.line.down();
  engine.line.up();
  assert.deepEqual(engine.appended, ["a", "b", "c", "b"]);
});

Deno.test("what is refused does not go in behind what came after it", async () => {
  const engine = new Engine();
  engine.line.up();
  engine.push("a", "b", "c");
  await engine.refuse(0, 2);
  await engine.keep(1);
  assert.deepEqual(engine.told, ["suspect", "suspect", "refused 0"]);
  engine.line.down();
  engine.line.up();
  assert.deepEqual(engine.appended, ["a", "b", "c", "c"]);
});

Deno.test("what was not answered although later ones were is not appended behind them", async () => {
  const engine = new Engine();
  engine.line.up();
  engine.push("a", "b", "c");
  await engine.keep(1);
  engine.line.down();
  engine.line.up();
  assert.deepEqual(engine.appended, ["a", "b", "c", "c"]);
  assert.deepEqual(engine.told.length, 1);
  assert.match(engine.told[0], /^refused Error: Later messages were answered/);
});

Deno.test("only so many are under way; the rest waits, in a queue with limits", async () => {
  const engine = new Engine({ maxBytes: 2 * 5, drop: "newest" });
  engine.line.up();
  for (let i = 0; i < 1027; i++) engine.push(String(i).padStart(4, "0"));
  assert.equal(engine.appended.length, 1024);
  await engine.keep(0);
  assert.deepEqual(engine.told, ["dropped 1"]);
  assert.deepEqual(engine.appended.slice(1024), ["1024"]);
  await engine.keep(1);
  assert.deepEqual(engine.appended.slice(1024), ["1024", "1025"]);
});

Deno.test("only so many bytes are under way, but one message always can be", async () => {
  const engine = new Engine();
  engine.line.up();
  const large = new Uint8Array(5 << 20);
  engine.line.push("t", large);
  engine.line.push("t", large);
  engine.push("c");
  assert.equal(engine.appended.length, 1);
  await engine.keep(0);
  assert.equal(engine.appended.length, 2);
  await engine.keep(1);
  assert.equal(engine.appended.length, 3);
});

Deno.test("an engine that goes away in the middle gets nothing more", () => {
  const engine = new Engine();
  engine.push("a", "b", "c");
  const append = engine.append.bind(engine);
  engine.append = (topic, message) => {
    if (engine.appended.length === 1) engine.line.down();
    return append(topic, message);
  };
  engine.line.up();
  assert.deepEqual(engine.appended, ["a", "b"]);
});
