import assert from "node:assert/strict";
import { ConnectionError, type WebSocketError } from "../../src/errors.ts";
import type { CloseInfo } from "../../src/session/end.ts";
import { MessageQueue, type MessageQueueOwner } from "../../src/connection/incoming.ts";

const CLEAN: CloseInfo = { code: 1000, reason: "", clean: true, initiator: "remote" };
const ERROR = new ConnectionError("CONNECTION_LOST", "lost");
const LOST: CloseInfo = { ...CLEAN, code: 1006, clean: false, error: ERROR };

const DONE = { value: undefined, done: true };

/** Records the queue's calls to its connection. */
class Source implements MessageQueueOwner {
  readonly asked: string[] = [];

  stopReading(): void {
    this.asked.push("stop");
  }

  resumeReading(): void {
    this.asked.push("resume");
  }

  fail(error: WebSocketError): void {
    this.asked.push(error.code);
  }
}

function open(): { queue: MessageQueue; source: Source } {
  const source = new Source();
  return { queue: new MessageQueue(source), source };
}

Deno.test("returns messages in arrival order", async () => {
  const { queue, source } = open();
  const messages = ["one", Uint8Array.of(2), "", "four"];
  for (const message of messages) queue.push(message);
  for (const value of messages) assert.deepEqual(await queue.next(), { value, done: false });
  assert.deepEqual(source.asked, [], "a few messages do not pause reading");
});

Deno.test("serves readers in the order of their requests", async () => {
  const { queue } = open();
  const asked = [queue.next(), queue.next(), queue.next()];
  for (const message of ["one", "two", "three"]) queue.push(message);
  const values = (await Promise.all(asked)).map(({ value }) => value);
  assert.deepEqual(values, ["one", "two", "three"]);
});

Deno.test("returns queued messages after a clean close, then done", async () => {
  const { queue } = open();
  queue.push("last");
  queue.end(CLEAN);
  assert.deepEqual(await queue.next(), { value: "last", done: false });
  for (let i = 0; i < 3; i++) assert.deepEqual(await queue.next(), DONE);
});

Deno.test("after an unclean end returns queued messages, throws the cause once, then returns done", async () => {
  const { queue } = open();
  queue.push("last");
  queue.end(LOST);
  assert.deepEqual(await queue.next(), { value: "last", done: false });
  await assert.rejects(queue.next(), ERROR);
  for (let i = 0; i < 3; i++) assert.deepEqual(await queue.next(), DONE);
});

Deno.test("a clean end resolves all waiting readers", async () => {
  const { queue } = open();
  const asked = [queue.next(), queue.next()];
  queue.end(CLEAN);
  assert.deepEqual(await Promise.all(asked), [DONE, DONE]);
});

Deno.test("after an unclean end the first waiting reader gets the cause", async () => {
  const { queue } = open();
  const [first, second] = [queue.next(), queue.next()];
  queue.end(LOST);
  await assert.rejects(first, ERROR);
  assert.deepEqual(await second, DONE);
  assert.deepEqual(await queue.next(), DONE);
});

Deno.test("the close info keeps its error after a reader received it", async () => {
  const { queue } = open();
  const info = { ...LOST };
  queue.end(info);
  await assert.rejects(queue.next(), ERROR);
  assert.equal(info.error, ERROR);
});

for (
  const [name, message, count] of [
    ["256 messages", "", 256],
    ["64 KiB of bytes", new Uint8Array(1024), 64],
    ["64 Ki of characters", "x".repeat(4096), 16],
    ["one huge message", new Uint8Array(1 << 20), 1],
  ] as const
) {
  Deno.test(`pauses reading once at ${name}, and resumes when all are read`, async () => {
    const { queue, source } = open();
    for (let i = 1; i < count; i++) queue.push(message);
    assert.deepEqual(source.asked, []);
    queue.push(message);
    assert.deepEqual(source.asked, ["stop"]);
    queue.push(message);
    for (let i = 0; i < count; i++) await queue.next();
    assert.deepEqual(source.asked, ["stop"], "reading stays paused while a message is queued");
    await queue.next();
    assert.deepEqual(source.asked, ["stop", "resume"]);
  });
}

Deno.test("reading can pause and resume many times", async () => {
  const { queue, source } = open();
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 300; i++) queue.push(`${i}`);
    for (let i = 0; i < 300; i++) assert.equal((await queue.next()).value, `${i}`);
  }
  assert.deepEqual(source.asked, ["stop", "resume", "stop", "resume", "stop", "resume"]);
});

Deno.test("messages for a waiting reader do not count", async () => {
  const { queue, source } = open();
  for (let i = 0; i < 1000; i++) {
    const asked = queue.next();
    queue.push("x".repeat(100_000));
    await asked;
  }
  assert.deepEqual(source.asked, []);
});

Deno.test("discarding queued messages resumes reading", async () => {
  const { queue, source } = open();
  for (let i = 0; i < 300; i++) queue.push("old");
  queue.clear();
  assert.deepEqual(source.asked, ["stop", "resume"]);
  queue.push("new");
  assert.deepEqual(await queue.next(), { value: "new", done: false });
  queue.clear();
  queue.end(CLEAN);
  assert.deepEqual(await queue.next(), DONE);
  assert.deepEqual(source.asked, ["stop", "resume"]);
});

/** Runs `work`, and returns the greatest length that any array reached by `push`. */
async function longestArray(work: () => Promise<void>): Promise<number> {
  let longest = 0;
  const original = Array.prototype.push;
  Array.prototype.push = function (...items: unknown[]): number {
    const length = original.apply(this, items);
    longest = Math.max(longest, length);
    return length;
  };
  try {
    await work();
  } finally {
    Array.prototype.push = original;
  }
  return longest;
}

Deno.test("a reader that lags one message behind gets all messages from a short queue", async () => {
  const { queue, source } = open();
  queue.push("0");
  const longest = await longestArray(async () => {
    for (let i = 1; i < 5000; i++) {
      queue.push(`${i}`);
      assert.equal((await queue.next()).value, `${i - 1}`);
    }
  });
  assert.deepEqual(source.asked, []);
  assert.ok(longest <= 1024, `the queue has ${longest} entries`);
});
