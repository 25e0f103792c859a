import assert from "node:assert/strict";
import type { BackplaneHistory } from "../../src/pubsub/backplane.ts";
import type { ConnectionDriver } from "../../src/connection/connection_driver.ts";
import { HistoryReads } from "../../src/topics/history_reads.ts";
import { timers } from "../../src/shared/timer_wheel.ts";
import { type FollowerContext, TopicFollower } from "../../src/topics/topic_follower.ts";
import { Deferred, Queue } from "../support/live_harness.ts";
import { quiet } from "../support/socket_harness.ts";

interface Bench {
  readonly follower: TopicFollower;
  /** What was asked of the engine, and what was told, in order. */
  readonly log: Queue<string>;
  /** The answers to the subscriptions. */
  readonly subscriptions: Deferred<void>[];
  readonly receiver: ConnectionDriver;
}

/** A topic on an engine that answers reads at once, and subscriptions by hand. */
function benchOf(timeout?: number): Bench {
  const log = new Queue<string>();
  const subscriptions: Deferred<void>[] = [];
  const history: BackplaneHistory = {
    keep: () => {},
    append: () => Promise.resolve(),
    read: (topic, after) => {
      log.push(`read ${topic} ${after}`);
      return Promise.resolve({ last: 5, complete: true, messages: [] });
    },
  };
  const context: FollowerContext = {
    reads: new HistoryReads(history, timeout),
    ask: () => {
      log.push("subscribe");
      const answer = new Deferred<void>();
      subscriptions.push(answer);
      return answer.promise;
    },
    parse: () => undefined,
    deliver: () => assert.fail("there is nothing to deliver"),
    deliverTo: () => assert.fail("there is nothing to deliver"),
    missed: (_, topic) => {
      if (!topic.isJoining(receiver)) log.push("missed by all");
    },
    failed: (cause) => log.push(`failed ${cause}`),
    garbled: (what) => log.push(what),
    overflowed: (what) => log.push(what),
  };
  const topicListener = {
    subscribed: (_: string, number: number | undefined) => log.push(`at ${number}`),
    missed: () => log.push("missed"),
    passed: () => assert.fail("nothing has passed"),
    refused: () => assert.fail("nothing is refused"),
  };
  const receiver = { topicListener } as unknown as ConnectionDriver;
  return { follower: new TopicFollower("room", context), log, subscriptions, receiver };
}

function followerTest(name: string, test: (t: Bench) => Promise<void>, timeout?: number): void {
  Deno.test(name, async () => {
    const bench = benchOf(timeout);
    await test(bench);
    bench.follower.end();
    assert.equal(timers.size, 0, "a timer was left");
  });
}

followerTest("nothing is read before the subscription is in force", async (t) => {
  t.follower.topic.join(t.receiver, undefined);
  t.follower.subscribe();
  await quiet();
  assert.deepEqual(t.log.all, ["subscribe"]);
  t.subscriptions[0].resolve();
  await quiet();
  assert.deepEqual(t.log.all, ["subscribe", "read room undefined", "at 5"]);
});

followerTest("what waits for the start is done then, in its order; later, at once", async (t) => {
  t.follower.topic.join(t.receiver, undefined);
  t.follower.subscribe();
  for (const text of ["a", "b"]) t.follower.whenStarted(() => t.log.push(text));
  t.subscriptions[0].resolve();
  await quiet();
  t.follower.whenStarted(() => t.log.push("c"));
  assert.deepEqual(t.log.all.slice(2), ["at 5", "a", "b", "c"]);
});

followerTest("where nobody listens any more, what waits is done at once", async (t) => {
  t.follower.topic.join(t.receiver, undefined);
  t.follower.subscribe();
  t.follower.whenStarted(() => t.log.push("a"));
  t.follower.end();
  t.subscriptions[0].resolve();
  await quiet();
  assert.deepEqual(t.log.all, ["subscribe", "a"]);
});

followerTest("a subscription that fails is reported, and tried again with the next", async (t) => {
  t.follower.topic.join(t.receiver, 3);
  t.follower.subscribe();
  t.subscriptions[0].reject("refused");
  await quiet();
  assert.deepEqual(t.log.all, ["subscribe", "failed refused", "at 3", "missed"]);
  t.follower.topic.join(t.receiver, undefined);
  t.subscriptions[1].resolve();
  await quiet();
  assert.deepEqual(t.log.all.slice(4), ["subscribe", "read room undefined", "at 5"]);
});

followerTest("a subscription is not waited for for ever, but may still come", async (t) => {
  t.follower.topic.join(t.receiver, 3);
  t.follower.subscribe();
  const all = await t.log.atLeast(4);
  assert.match(all[1], /has not answered to a subscription within 20 ms/);
  assert.deepEqual(all.slice(2), ["at 3", "missed"]);
  t.subscriptions[0].resolve();
  await quiet();
  t.follower.topic.join(t.receiver, 5);
  await quiet();
  assert.deepEqual(t.log.all.slice(4), ["read room 5", "at 5"]);
}, 20);

followerTest("an answer from before an outage counts no more", async (t) => {
  t.follower.topic.join(t.receiver, undefined);
  t.follower.subscribe();
  t.follower.interrupt();
  t.subscriptions[0].resolve();
  await quiet();
  t.follower.subscribe();
  await quiet();
  assert.deepEqual(t.log.all, ["subscribe", "subscribe"]);
  t.subscriptions[1].resolve();
  await quiet();
  assert.deepEqual(t.log.all.slice(2), ["read room undefined", "at 5"]);
});
