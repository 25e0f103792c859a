import assert from "node:assert/strict";
import type { BackplaneHistory } from "../../src/backplane/backplane.ts";
import { HistoryReader } from "../../src/backplane/history_reader.ts";
import type { OrderedMessage } from "../../src/backplane/ordered_topic.ts";
import { timers } from "../../src/shared/timer_wheel.ts";
import { BrokerSubscriptions } from "../../src/backplane/subscriptions.ts";
import { TopicHistory, type TopicHistoryContext } from "../../src/backplane/topic_history.ts";
import { Deferred, Queue } from "../support/live_harness.ts";
import { nextMacrotask } from "../support/socket_harness.ts";

type Receiver = Record<string, never>;

interface TestSetup {
  readonly history: TopicHistory<Receiver, OrderedMessage>;
  /** The requests to the broker, and the notifications, in order. */
  readonly log: Queue<string>;
  /** The replies to the subscription requests. */
  readonly subscriptions: Deferred<void>[];
  readonly receiver: Receiver;
  /** Stops the topic and its timers. */
  readonly end: () => void;
}

/** Creates a topic on a fake broker that answers reads. The test answers subscriptions. */
function createSetup(timeout?: number): TestSetup {
  const log = new Queue<string>();
  const subscriptions: Deferred<void>[] = [];
  const store: BackplaneHistory = {
    keep: () => {},
    append: () => Promise.resolve(),
    read: (topic, after) => {
      log.push(`read ${topic} ${after}`);
      return Promise.resolve({ last: 5, complete: true, messages: [] });
    },
  };
  const broker = new BrokerSubscriptions(
    {
      subscribe: () => {
        log.push("subscribe");
        const answer = new Deferred<void>();
        subscriptions.push(answer);
        return answer.promise;
      },
    },
    () => {},
    (error) => log.push(`failed ${error}`),
  );
  broker.up();
  const context: TopicHistoryContext<Receiver, OrderedMessage> = {
    limits: { maxReceivedBytes: 1000, maxReplayMessages: 1000, maxReplayBytes: 1000 },
    reader: new HistoryReader(store, timeout),
    subscriptions: broker,
    createMessage: () => assert.fail("no message to create"),
    deliver: () => assert.fail("no message to deliver"),
    deliverTo: () => assert.fail("no message to deliver"),
    owner: {
      subscribed: (_, topic, number) => log.push(`${topic} at ${number}`),
      missed: () => log.push("missed"),
      missedByAll: (_, isPending) => {
        if (!isPending(receiver)) log.push("missed by all");
      },
    },
    isReady: () => true,
    requestFailed: (cause) => log.push(`failed ${cause}`),
    invalid: (what) => log.push(what),
    overflowed: (what) => log.push(what),
  };
  const receiver: Receiver = {};
  const history = new TopicHistory("room", context);
  const end = (): void => {
    history.end();
    broker.stop();
  };
  return { history, log, subscriptions, receiver, end };
}

function historyTest(name: string, test: (t: TestSetup) => Promise<void>, timeout?: number): void {
  Deno.test(name, async () => {
    const setup = createSetup(timeout);
    await test(setup);
    setup.end();
    assert.equal(timers.size, 0, "no timer is left");
  });
}

historyTest("does not read before the subscription is confirmed", async (t) => {
  t.history.join(t.receiver, undefined);
  t.history.subscribe();
  await nextMacrotask();
  assert.deepEqual(t.log.all, ["subscribe"]);
  t.subscriptions[0].resolve();
  await nextMacrotask();
  assert.deepEqual(t.log.all, ["subscribe", "read room undefined", "room at 5"]);
});

historyTest(
  "runs pending work in order when the topic starts, and later work immediately",
  async (t) => {
    t.history.join(t.receiver, undefined);
    t.history.subscribe();
    for (const text of ["a", "b"]) t.history.whenStarted(() => t.log.push(text));
    t.subscriptions[0].resolve();
    await nextMacrotask();
    t.history.whenStarted(() => t.log.push("c"));
    assert.deepEqual(t.log.all.slice(2), ["room at 5", "a", "b", "c"]);
  },
);

historyTest("completes pending work immediately without subscribers", async (t) => {
  t.history.join(t.receiver, undefined);
  t.history.subscribe();
  t.history.whenStarted(() => t.log.push("a"));
  t.history.end();
  t.subscriptions[0].resolve();
  await nextMacrotask();
  assert.deepEqual(t.log.all, ["subscribe", "a"]);
});

historyTest(
  "after a failed subscription, the next one reports the messages missed in the meantime",
  async (t) => {
    t.history.join(t.receiver, 3);
    t.history.subscribe();
    t.subscriptions[0].reject("refused");
    await nextMacrotask();
    assert.deepEqual(t.log.all, ["subscribe", "failed refused", "room at 3", "missed"]);
    t.history.join(t.receiver, undefined);
    t.subscriptions[1].resolve();
    await nextMacrotask();
    assert.deepEqual(t.log.all.slice(4), ["subscribe", "read room undefined", "room at 5"]);
  },
);

historyTest("a subscription that times out may still complete", async (t) => {
  t.history.join(t.receiver, 3);
  t.history.subscribe();
  const all = await t.log.atLeast(4);
  assert.match(all[1], /has not answered a subscription within 20 ms/);
  assert.deepEqual(all.slice(2), ["room at 3", "missed"]);
  t.subscriptions[0].resolve();
  await nextMacrotask();
  t.history.join(t.receiver, 5);
  await nextMacrotask();
  assert.deepEqual(t.log.all.slice(4), ["read room undefined", "missed by all", "room at 5"]);
}, 20);

historyTest("ignores a reply to a request sent before an outage", async (t) => {
  t.history.join(t.receiver, undefined);
  t.history.subscribe();
  t.history.interrupt();
  t.subscriptions[0].resolve();
  await nextMacrotask();
  t.history.subscribe();
  await nextMacrotask();
  assert.deepEqual(t.log.all, ["subscribe", "subscribe"]);
  t.subscriptions[1].resolve();
  await nextMacrotask();
  assert.deepEqual(t.log.all.slice(2), ["read room undefined", "room at 5"]);
});
