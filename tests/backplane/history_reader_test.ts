import assert from "node:assert/strict";
import type { HistoryPage } from "../../src/backplane/backplane.ts";
import {
  HistoryReader,
  type HistoryReaderTopic,
  PAGE_LIMIT,
} from "../../src/backplane/history_reader.ts";
import { timers } from "../../src/shared/timer_wheel.ts";
import { Deferred, Queue } from "../support/live_harness.ts";
import { nextMacrotask } from "../support/socket_harness.ts";

/** A reader that records its calls. */
class Reader implements HistoryReaderTopic {
  readonly name: string;
  readonly after: number | undefined;
  readonly calls = new Queue<string>();
  wantsRead = true;

  constructor(name: string, after?: number) {
    this.name = name;
    this.after = after;
  }

  beginRead(): number | undefined {
    this.calls.push("begin");
    return this.after;
  }

  readDone(page: unknown): void {
    this.calls.push(`done ${page}`);
  }

  readFailed(error: unknown): void {
    this.calls.push(`failed ${error}`);
  }
}

interface TestSetup {
  readonly reads: HistoryReader;
  readonly asked: unknown[][];
  readonly answers: Deferred<unknown>[];
}

function createSetup(timeout?: number): TestSetup {
  const asked: unknown[][] = [];
  const answers: Deferred<unknown>[] = [];
  const reads = new HistoryReader({
    keep: () => {},
    append: () => Promise.resolve(),
    read: (...what) => {
      asked.push(what);
      const answer = new Deferred<unknown>();
      answers.push(answer);
      return answer.promise as Promise<HistoryPage>;
    },
  }, timeout);
  return { reads, asked, answers };
}

function readsTest(name: string, test: (t: TestSetup) => Promise<void>, timeout?: number): void {
  Deno.test(name, async () => {
    const setup = createSetup(timeout);
    await test(setup);
    setup.reads.stop();
    assert.equal(timers.size, 0, "no timer is left");
  });
}

readsTest("a reader receives the page or the reason for its absence", async (t) => {
  const [one, two] = [new Reader("one"), new Reader("two", 7)];
  t.reads.want(one);
  t.reads.want(one);
  t.reads.want(two);
  assert.deepEqual(t.asked, [["one"], ["two", 7, PAGE_LIMIT]]);
  t.answers[0].resolve("page");
  t.answers[1].reject("broken");
  await nextMacrotask();
  assert.deepEqual(one.calls.all, ["begin", "done page"]);
  assert.deepEqual(two.calls.all, ["begin", "failed broken"]);
  t.reads.want(two);
  assert.equal(t.asked.length, 3, "a reader may read again");
});

Deno.test("a read that throws or returns no promise counts as answered", async () => {
  const results: Array<() => unknown> = [() => {
    throw new Error("thrown");
  }, () => "page"];
  const reads = new HistoryReader({
    keep: () => {},
    append: () => Promise.resolve(),
    read: () => results.shift()!() as Promise<HistoryPage>,
  });
  const reader = new Reader("topic");
  reads.want(reader);
  await nextMacrotask();
  reads.want(reader);
  await nextMacrotask();
  assert.deepEqual(reader.calls.all, ["begin", "failed Error: thrown", "begin", "done page"]);
  assert.equal(timers.size, 0);
});

readsTest(
  "allows 64 pending reads and skips reads that are no longer needed",
  async (t) => {
    const readers = Array.from({ length: 70 }, (_, i) => new Reader(`${i}`));
    for (const reader of readers) t.reads.want(reader);
    assert.equal(t.asked.length, 64);
    readers[64].wantsRead = false;
    t.reads.forget(readers[65]);
    t.answers[5].resolve("page");
    await nextMacrotask();
    assert.deepEqual(t.asked.slice(64), [["66"]]);
    // An abandoned read counts as pending until the broker replies.
    t.reads.forget(readers[0]);
    assert.equal(t.asked.length, 65);
    t.answers[0].resolve("page");
    await nextMacrotask();
    assert.deepEqual(t.asked.slice(65), [["67"]]);
    assert.deepEqual(readers[0].calls.all, ["begin"]);
  },
);

readsTest("a read times out without a reply", async (t) => {
  const reader = new Reader("topic");
  t.reads.want(reader);
  const [, failed] = await reader.calls.atLeast(2);
  assert.match(failed, /has not answered a read within 20 ms/);
  t.answers[0].resolve("too late");
  await nextMacrotask();
  assert.equal(reader.calls.all.length, 2);
  t.reads.want(reader);
  assert.equal(t.asked.length, 2);
}, 20);

readsTest("reads do not wait while the broker is down", async (t) => {
  const readers = Array.from({ length: 70 }, (_, i) => new Reader(`${i}`));
  for (const reader of readers) t.reads.want(reader);
  t.reads.stop();
  t.answers[0].resolve("page");
  t.answers[1].reject("gone");
  await nextMacrotask();
  assert.equal(t.asked.length, 64);
  assert.deepEqual(readers[0].calls.all, ["begin"]);
  t.reads.want(readers[0]);
  t.reads.want(readers[69]);
  assert.deepEqual(t.asked.slice(64), [["0"], ["69"]]);
});

readsTest(
  "delays reads to another event loop turn after it has received many messages",
  async (t) => {
    const readers = Array.from({ length: 6 }, (_, i) => new Reader(`${i}`, 1));
    const messages = Array.from({ length: 256 }, () => ({}));
    for (const reader of readers) t.reads.want(reader);
    for (const answer of t.answers) answer.resolve({ messages });
    await Promise.resolve().then(() => {}).then(() => {}).then(() => {});
    for (const reader of readers) t.reads.want(reader);
    assert.equal(t.asked.length, 6, "not in this turn");
    await readers[0].calls.atLeast(3);
    assert.equal(t.asked.length, 12);
  },
);
