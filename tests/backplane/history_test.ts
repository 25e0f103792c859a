// Servers that share a broker with a history: message order, replay, and the behavior while the
// broker is down, slow or faulty, or loses messages.

import assert from "node:assert/strict";
import type { WebSocketError } from "../../src/errors.ts";
import type { PreparedMessage } from "../../src/message/prepared_message.ts";
import type { HistoryOptions, HistoryPage } from "../../src/backplane/backplane.ts";
import { lineEnd, readLine } from "../../src/pubsub/protocol.ts";
import type { ConnectionDriver, TopicListener } from "../../src/connection/connection_driver.ts";
import type { PublishOptions, PublishResult } from "../../src/connection/arguments.ts";
import { timers } from "../../src/shared/timer_wheel.ts";
import { Relay } from "../../src/backplane/relay.ts";
import { Topics } from "../../src/pubsub/topics.ts";
import { type FakeBackplane, FakeBroker } from "../support/fake_broker.ts";
import { FakeHistory } from "../support/fake_history.ts";
import { Deferred, Queue } from "../support/live_harness.ts";
import { nextMacrotask } from "../support/socket_harness.ts";
import { hex } from "../support/vectors.ts";

const decoder = new TextDecoder();

/** A connection that records its notifications and messages. */
class Receiver implements TopicListener {
  readonly log: string[] = [];
  state = "open";
  slow = false;
  /** Undefined for a connection that receives plain messages. */
  readonly topicListener: TopicListener | undefined;

  constructor(isPlain = false) {
    this.topicListener = isPlain ? undefined : this;
  }

  get control(): ConnectionDriver {
    return this as unknown as ConnectionDriver;
  }

  subscribed(_topic: string, number: number | undefined): void {
    this.log.push(`subscribed ${number}`);
  }

  missed(): void {
    this.log.push("missed");
  }

  passed(_topic: string, number: number): void {
    this.log.push(`passed ${number}`);
  }

  awaitDrain(): boolean {
    return true;
  }

  cutSlow(): void {
    this.state = "closed";
  }

  sendPrepared({ payload }: PreparedMessage): boolean {
    const text = decoder.decode(payload);
    const end = this.topicListener === undefined ? 0 : lineEnd(text);
    const line = end === 0 ? undefined : readLine(text, end);
    this.log.push(line ? `${line.number} ${text.slice(end)}` : text);
    return true;
  }
}

/** A server on the broker. */
class Node {
  readonly topics: Topics;
  readonly backplane: FakeBackplane;
  readonly errors: Queue<WebSocketError> = new Queue();

  constructor(broker: FakeBroker, maxBytes?: number, replays: Partial<HistoryOptions> = {}) {
    this.backplane = broker.backplane();
    const limits = { maxAge: 60_000, maxMessages: 100 };
    const queue = maxBytes === undefined ? undefined : { maxBytes };
    this.topics = new Topics((error) => void this.errors.push(error as WebSocketError));
    this.topics.join((topics) =>
      new Relay(this.backplane, topics, queue, { ...limits, ...replays })
    );
  }

  get codes(): string[] {
    return this.errors.all.map(({ code }) => code);
  }

  publish(text: string, options?: PublishOptions, except?: Receiver): PublishResult {
    return this.topics.publish("room", text, options ?? {}, except?.control);
  }

  /** Subscribes a connection to "room". */
  join(after?: number, receiver = new Receiver()): Receiver {
    assert.equal(this.topics.subscribe(receiver.control, "room", after), true);
    return receiver;
  }

  leave(receiver: Receiver): void {
    assert.equal(this.topics.unsubscribe(receiver.control, "room"), true);
  }

  end(receiver: Receiver): void {
    receiver.state = "closed";
    this.topics.withdraw(receiver.control);
    this.topics.forget(receiver.control);
  }
}

interface TestSetup {
  readonly broker: FakeBroker;
  readonly history: FakeHistory;
  readonly nodes: Node[];
}

/** Defines a test with this many servers. Checks that no timer is left afterwards. */
function historyTest(name: string, count: number, test: (t: TestSetup) => Promise<void>): void {
  Deno.test(name, async () => {
    const history = new FakeHistory();
    const broker = new FakeBroker(true, history);
    const nodes = Array.from({ length: count }, () => new Node(broker));
    try {
      await test({ broker, history, nodes });
    } finally {
      for (const { topics } of nodes) await topics.close(0);
    }
    assert.equal(timers.size, 0, "no timer is left");
  });
}

function result(waiting: number): PublishResult {
  return { sent: 0, waiting, replaced: 0, dropped: 0, closed: 0 };
}

historyTest("receivers on all servers get messages in the same order, by number", 3, async (t) => {
  const receivers = t.nodes.flatMap((
    node,
  ) => [node.join(), node.join(undefined, new Receiver(true))]);
  await nextMacrotask();
  for (let i = 0; i < 30; i++) {
    assert.deepEqual(t.nodes[i % 3].publish(`message ${i}`), result(2));
  }
  await nextMacrotask();
  const texts = Array.from({ length: 30 }, (_, i) => `message ${i}`);
  const labeled = ["subscribed 0", ...texts.map((text, i) => `${i + 1} ${text}`)];
  for (const [i, { log }] of receivers.entries()) assert.deepEqual(log, i % 2 ? texts : labeled);
  assert.deepEqual(t.history.limits[0], { maxAge: 60_000, maxMessages: 100 });
  assert.deepEqual(t.nodes.flatMap(({ codes }) => codes), []);
});

historyTest("delivers a message only after the broker returns it", 1, async ({ nodes: [node] }) => {
  const receiver = node.join();
  await nextMacrotask();
  node.publish("later");
  assert.deepEqual(receiver.log, ["subscribed 0"]);
  await nextMacrotask();
  assert.deepEqual(receiver.log, ["subscribed 0", "1 later"]);
});

historyTest(
  "the connection in `except` receives the message number, but not the message",
  2,
  async (t) => {
    const [one, two] = t.nodes;
    const own = one.join();
    const other = one.join();
    const plain = one.join(undefined, new Receiver(true));
    const far = two.join();
    await nextMacrotask();
    assert.deepEqual(one.publish("from own", {}, own), result(2));
    assert.deepEqual(one.publish("from plain", {}, plain), result(2));
    assert.deepEqual(two.publish("from far", {}, far), result(0));
    const outside = new Receiver();
    assert.deepEqual(one.publish("from outside", {}, outside), result(3));
    one.end(other);
    assert.deepEqual(one.publish("from a closed connection", {}, other), result(2));
    await nextMacrotask();
    const last = ["4 from outside", "5 from a closed connection"];
    assert.deepEqual(own.log, ["subscribed 0", "passed 1", "2 from plain", "3 from far", ...last]);
    assert.deepEqual(plain.log, ["from own", "from far", ...last.map((text) => text.slice(2))]);
    assert.deepEqual(far.log, ["subscribed 0", "1 from own", "2 from plain", "passed 3", ...last]);
  },
);

historyTest(
  "a publisher excluded from its message is also excluded from the replay",
  1,
  async ({ nodes }) => {
    const [node] = nodes;
    const own = node.join();
    await nextMacrotask();
    node.publish("own", {}, own);
    node.publish("from others");
    await nextMacrotask();
    node.leave(own);
    own.log.length = 0;
    node.join(0, own);
    await nextMacrotask();
    assert.deepEqual(own.log, ["subscribed 0", "passed 1", "2 from others"]);
  },
);

historyTest("a reconnecting client receives missed messages before new ones", 2, async (t) => {
  const [one, two] = t.nodes;
  for (const text of ["a", "b", "c"]) one.publish(text);
  await nextMacrotask();
  const back = two.join(1);
  one.publish("d");
  two.publish("e");
  assert.equal(two.topics.count("room"), 1);
  assert.deepEqual(two.topics.namesOf(back.control), ["room"]);
  await nextMacrotask();
  one.publish("f");
  await nextMacrotask();
  assert.deepEqual(back.log, ["subscribed 1", "2 b", "3 c", "4 d", "5 e", "6 f"]);
});

historyTest("new and up-to-date clients cause no read", 1, async (t) => {
  const { nodes: [node], history } = t;
  node.join();
  await nextMacrotask();
  node.publish("a");
  await nextMacrotask();
  const reads = history.reads.length;
  const back = node.join(1);
  const fresh = node.join();
  assert.deepEqual([back.log, fresh.log], [["subscribed 1"], ["subscribed 1"]]);
  node.join(undefined, back);
  assert.equal(history.reads.length, reads);
  node.publish("b");
  await nextMacrotask();
  assert.deepEqual(back.log, ["subscribed 1", "subscribed 1", "2 b"]);
  assert.deepEqual(fresh.log, ["subscribed 1", "2 b"]);
});

historyTest(
  "subscribers that resume simultaneously share reads",
  1,
  async ({ nodes: [node], history }) => {
    node.join();
    await nextMacrotask();
    for (let i = 0; i < 50; i++) node.publish(`${i}`);
    await nextMacrotask();
    history.requests.length = 0;
    const back = Array.from({ length: 2000 }, (_, i) => node.join(i % 50));
    await nextMacrotask();
    assert.ok(history.reads.length <= 2, `${history.reads.length} reads`);
    for (const [i, { log }] of back.entries()) {
      const after = i % 50;
      const missed = Array.from(
        { length: 50 - after },
        (_, at) => `${after + at + 1} ${after + at}`,
      );
      assert.deepEqual(log, [`subscribed ${after}`, ...missed]);
    }
  },
);

historyTest("reports a gap where the history does not reach back far enough", 1, async (t) => {
  const { nodes: [node], history } = t;
  for (const text of ["a", "b", "c", "d"]) node.publish(text);
  await nextMacrotask();
  history.trim("room", 2);
  const logs = [0, 1, 2, 3].map((after) => node.join(after).log);
  await nextMacrotask();
  assert.deepEqual(logs, [
    ["subscribed 0", "missed", "3 c", "4 d"],
    ["subscribed 1", "missed", "3 c", "4 d"],
    ["subscribed 2", "3 c", "4 d"],
    ["subscribed 3", "4 d"],
  ]);
});

historyTest("reports a gap to a client that is ahead of the broker", 1, async (t) => {
  const { nodes: [node] } = t;
  node.publish("a");
  await nextMacrotask();
  const back = node.join(1000);
  await nextMacrotask();
  node.publish("b");
  await nextMacrotask();
  assert.deepEqual(back.log, ["subscribed 1", "missed", "2 b"]);
});

historyTest(
  "reads messages that were lost in transit",
  2,
  async ({ nodes: [one, two], history }) => {
    const near = one.join();
    const far = two.join();
    await nextMacrotask();
    history.step = 5;
    history.loses = (_, number) => number === 10 || number === 15;
    for (const text of ["a", "b", "c", "d", "e"]) one.publish(text);
    await nextMacrotask();
    const all = ["subscribed 0", "5 a", "10 b", "15 c", "20 d", "25 e"];
    assert.deepEqual([near.log, far.log], [all, all]);
    assert.deepEqual(history.reads.slice(2), [["read", "room", 5], ["read", "room", 5]]);
  },
);

historyTest(
  "a client that subscribes and publishes immediately receives its own message",
  1,
  async ({ nodes }) => {
    const [node] = nodes;
    node.publish("before");
    await nextMacrotask();
    const first = node.join();
    node.publish("joined");
    node.topics.publish("elsewhere", "is not delayed", {}, undefined);
    node.publish("second");
    await nextMacrotask();
    assert.deepEqual(first.log, ["subscribed 1", "2 joined", "3 second"]);
  },
);

historyTest("queues messages while the broker is disconnected and loses none", 2, async (t) => {
  const { broker, history, nodes: [one, two] } = t;
  const near = one.join();
  const far = two.join();
  await nextMacrotask();
  one.publish("1");
  await nextMacrotask();
  broker.disconnect(new Error("away"));
  one.publish("2");
  two.publish("3");
  const fresh = one.join();
  one.publish("4");
  const back = two.join(0);
  await nextMacrotask();
  assert.deepEqual([near.log.length, fresh.log.length, back.log.length], [2, 0, 0]);
  history.requests.length = 0;
  broker.reconnect();
  one.publish("5");
  await nextMacrotask();
  const texts = near.log.slice(1);
  assert.deepEqual(texts.map((text) => text.split(" ")[1]).sort(), ["1", "2", "3", "4", "5"]);
  const own = (text: string): boolean => ["2", "4", "5"].includes(text.split(" ")[1]);
  assert.deepEqual(texts.filter(own).map((text) => text.split(" ")[1]), ["2", "4", "5"]);
  assert.deepEqual(far.log, ["subscribed 0", ...texts]);
  assert.deepEqual(back.log, ["subscribed 0", ...texts]);
  assert.match(fresh.log[0], /^subscribed \d$/);
  assert.deepEqual([one.codes, two.codes], [["BACKPLANE_DOWN"], ["BACKPLANE_DOWN"]]);
});

historyTest(
  "a single client that subscribes and publishes during an outage gets the message",
  1,
  async (t) => {
    t.broker.disconnect(new Error("away"));
    const [node] = t.nodes;
    const receiver = node.join();
    node.publish("waits");
    t.broker.reconnect();
    await nextMacrotask();
    assert.deepEqual(receiver.log, ["subscribed 0", "1 waits"]);
  },
);

for (const kept of [true, false]) {
  const when = kept ? "after" : "before";
  historyTest(
    `delivers a message once if an outage interrupts its append ${when} the broker stores it`,
    2,
    async (t) => {
      const { broker, history, nodes: [one, two] } = t;
      const near = one.join();
      const far = two.join();
      await nextMacrotask();
      one.publish("1");
      await nextMacrotask();
      const cut = new Deferred<void>();
      history.append = (done) => {
        if (kept) done();
        return cut.promise;
      };
      one.publish("2");
      one.publish("3");
      await nextMacrotask();
      history.append = undefined;
      // A broker client may reject pending requests before it reports the disconnect.
      cut.reject(new Error("connection lost"));
      await nextMacrotask();
      broker.disconnect(new Error("away"));
      one.publish("4");
      broker.reconnect();
      await nextMacrotask();
      const appends = history.requests.filter(([method]) => method === "append").length;
      assert.equal(appends, 6, "two messages were appended again");
      for (const { log } of [near, far]) {
        assert.deepEqual(log.map((text) => text.split(" ")[1]), ["0", "1", "2", "3", "4"]);
      }
      const back = two.join(1);
      await nextMacrotask();
      assert.deepEqual(back.log.slice(1), near.log.slice(2));
      assert.deepEqual([...one.codes, ...two.codes], ["BACKPLANE_DOWN", "BACKPLANE_DOWN"]);
    },
  );
}

historyTest("reports and drops a message that the broker rejects, and continues", 1, async (t) => {
  const { nodes: [node], history } = t;
  const receiver = node.join();
  await nextMacrotask();
  const cause = new Error("too large");
  history.append = () => Promise.reject(cause);
  node.publish("refused");
  history.append = () => {
    throw cause;
  };
  node.publish("rejected immediately");
  history.append = undefined;
  const errors = await node.errors.atLeast(2);
  assert.deepEqual(errors.map((error) => [error.code, error.cause]), [
    ["BACKPLANE_FAILED", cause],
    ["BACKPLANE_FAILED", cause],
  ]);
  node.publish("continues");
  await nextMacrotask();
  assert.deepEqual(receiver.log, ["subscribed 0", "1 continues"]);
});

historyTest("in an outage, reports a rejected message whose successor was stored", 1, async (t) => {
  const { nodes: [node], history } = t;
  node.join();
  await nextMacrotask();
  const replies = [new Deferred<void>(), new Deferred<void>()];
  let count = 0;
  history.append = () => replies[count++].promise;
  node.publish("rejected");
  node.publish("stored");
  node.backplane.sink.down(new Error("stores nothing"));
  replies[0].reject(new Error("stores nothing"));
  await nextMacrotask();
  assert.deepEqual(node.codes, ["BACKPLANE_DOWN"]);
  replies[1].resolve();
  await nextMacrotask();
  assert.deepEqual(node.codes, ["BACKPLANE_DOWN", "BACKPLANE_FAILED"]);
});

Deno.test("bounds the queue and reports dropped messages", async () => {
  const history = new FakeHistory();
  const broker = new FakeBroker(false, history);
  // A 1-byte message counts as 35 bytes, its topic as 4.
  const node = new Node(broker, 2 * 39);
  const receiver = node.join();
  for (let i = 0; i < 10; i++) node.publish(`${i}`);
  broker.reconnect();
  await nextMacrotask();
  assert.deepEqual(receiver.log, ["subscribed 0", "1 8", "2 9"]);
  assert.deepEqual(node.codes, ["BACKPLANE_OVERFLOW"]);
  assert.match(node.errors.all[0].message, /\b8 messages/);
  node.topics.close(0);
});

historyTest("reports a failed read and notifies all receivers of the gap", 1, async (t) => {
  const { nodes: [node], history } = t;
  const receiver = node.join();
  await nextMacrotask();
  const cause = new Error("broken");
  history.read = () => Promise.reject(cause);
  history.loses = (_, number) => number === 1;
  for (const text of ["lost", "b", "c"]) node.publish(text);
  const back = node.join(0);
  await nextMacrotask();
  node.publish("d");
  await nextMacrotask();
  assert.deepEqual(receiver.log.slice(0, 2), ["subscribed 0", "missed"]);
  assert.equal(receiver.log.at(-1), "4 d");
  assert.deepEqual([back.log[0], back.log.at(-1)], ["subscribed 0", "4 d"]);
  assert.ok(node.codes.length > 0 && node.codes.every((code) => code === "BACKPLANE_FAILED"));
  assert.equal(node.errors.all[0].cause, cause);
});

const PAGES: Record<string, unknown> = {
  "nothing": undefined,
  "a string": "page",
  "no number": { last: NaN, complete: true, messages: [] },
  "a fractional number": { last: 2.5, complete: true, messages: [] },
  "no messages": { last: 1, complete: true, messages: 7 },
  "no `complete`": { last: 1, messages: [] },
  "a null message": { last: 1, complete: true, messages: [null] },
  "a text message": { last: 1, complete: true, messages: [{ number: 1, message: "text" }] },
  "decreasing numbers": {
    last: 1,
    complete: true,
    messages: [{ number: 2, message: hex("") }, { number: 1, message: hex("") }],
  },
  "a message beyond `last`": {
    last: 1,
    complete: true,
    messages: [{ number: 2, message: hex("") }],
  },
};

for (const [what, page] of Object.entries(PAGES)) {
  historyTest(`reports a read reply with ${what}, and continues`, 1, async (t) => {
    const { nodes: [node], history } = t;
    node.publish("a");
    await nextMacrotask();
    history.read = () => page;
    const back = node.join(0);
    const fresh = node.join();
    await nextMacrotask();
    assert.deepEqual(node.codes, ["BACKPLANE_INVALID_MESSAGE"]);
    history.read = undefined;
    node.publish("b");
    await nextMacrotask();
    assert.deepEqual(back.log, ["subscribed 0", "missed", "2 b"]);
    assert.deepEqual(fresh.log, ["subscribed undefined", "2 b"]);
  });
}

historyTest("reports a broker that throws, and continues", 1, async (t) => {
  const { nodes: [node], history, broker } = t;
  const cause = new Error("broken");
  history.read = () => {
    throw cause;
  };
  const receiver = node.join(7);
  await nextMacrotask();
  assert.deepEqual(receiver.log, ["subscribed 7", "missed"]);
  node.backplane.fails = () => {
    throw cause;
  };
  node.leave(receiver);
  const again = node.join(8);
  await nextMacrotask();
  assert.deepEqual(again.log, ["subscribed 8", "missed"]);
  node.backplane.fails = undefined;
  history.read = undefined;
  const third = node.join();
  await nextMacrotask();
  node.publish("continues");
  await nextMacrotask();
  assert.deepEqual(again.log.at(-1), "1 continues");
  assert.deepEqual(third.log, ["subscribed 0", "1 continues"]);
  assert.deepEqual(node.codes, Array(3).fill("BACKPLANE_FAILED"));
  assert.ok(broker.isUp);
});

const INVALID_MESSAGES: readonly [what: string, message: unknown[]][] = [
  ["another program's bytes", ["room", hex("01 02"), 1, 0]],
  ["text instead of bytes", ["room", "text", 1, 0]],
  ["no topic", [7, hex(""), 1, 0]],
  ["no number", ["room", hex(""), undefined, undefined]],
  ["number NaN", ["room", hex(""), NaN, 0]],
  ["a fractional number", ["room", hex(""), 1.5, 0]],
  ["number 0", ["room", hex(""), 0, 0]],
  ["a previous number that is not smaller", ["room", hex(""), 3, 3]],
  ["a negative previous number", ["room", hex(""), 3, -1]],
];

for (const [what, message] of INVALID_MESSAGES) {
  historyTest(`reports and ignores a message with ${what}`, 1, async (t) => {
    const { nodes: [node] } = t;
    const receiver = node.join();
    await nextMacrotask();
    node.backplane.sink.message(...message as [string, Uint8Array, number, number]);
    node.publish("continues");
    await nextMacrotask();
    assert.deepEqual(node.codes, ["BACKPLANE_INVALID_MESSAGE"]);
    assert.deepEqual(receiver.log, ["subscribed 0", "1 continues"]);
  });
}

historyTest("restarts with a gap notice when the broker has lost its data", 2, async (t) => {
  const { broker, history, nodes: [one, two] } = t;
  const receiver = one.join();
  await nextMacrotask();
  for (const text of ["a", "b", "c"]) one.publish(text);
  await nextMacrotask();
  broker.disconnect(new Error("away"));
  history.lose();
  broker.reconnect();
  await nextMacrotask();
  two.publish("new");
  await nextMacrotask();
  assert.deepEqual(receiver.log.slice(-2), ["missed", "1 new"]);
  assert.deepEqual(one.codes, ["BACKPLANE_DOWN", "BACKPLANE_INVALID_MESSAGE"]);
});

historyTest(
  "an outage during a read loses no messages",
  1,
  async ({ broker, history, nodes }) => {
    const [node] = nodes;
    node.publish("a");
    await nextMacrotask();
    const answers: Array<(page: HistoryPage) => void> = [];
    history.read = () => new Promise((resolve) => answers.push(resolve));
    const back = node.join(0);
    await nextMacrotask();
    broker.disconnect(new Error("away"));
    answers[0]({ last: 0, complete: true, messages: [] });
    await nextMacrotask();
    assert.deepEqual(back.log, []);
    history.read = undefined;
    broker.reconnect();
    node.publish("b");
    await nextMacrotask();
    assert.deepEqual(back.log, ["subscribed 0", "1 a", "2 b"]);
  },
);

historyTest(
  "limits the number of pending reads",
  1,
  async ({ broker, history, nodes: [node] }) => {
    const receiver = new Receiver();
    for (let i = 0; i < 1000; i++) node.topics.subscribe(receiver.control, `topic ${i}`);
    await nextMacrotask();
    assert.equal(history.reads.length, 1000);
    broker.disconnect(new Error("away"));
    history.requests.length = 0;
    const answers: Array<() => void> = [];
    history.read = (answer) => new Promise((resolve) => answers.push(() => resolve(answer())));
    broker.reconnect();
    await nextMacrotask();
    assert.equal(history.reads.length, 64);
    for (let answered = 0; answered < 1000; answered++) {
      answers[answered]();
      await nextMacrotask();
      assert.ok(history.reads.length <= Math.min(1000, 64 + answered + 1));
    }
    assert.equal(new Set(history.reads.map(([, topic]) => topic)).size, 1000);
  },
);

historyTest(
  "a client that unsubscribes while waiting receives no messages, and may subscribe again",
  1,
  async (t) => {
    const { nodes: [node], history } = t;
    node.publish("a");
    await nextMacrotask();
    const gone = node.join(0);
    const closed = node.join(0);
    const again = node.join(0);
    node.leave(gone);
    node.end(closed);
    node.leave(again);
    node.join(1, again);
    node.leave(again);
    node.join(0, again);
    await nextMacrotask();
    assert.deepEqual([gone.log, closed.log], [[], []]);
    assert.deepEqual(again.log, ["subscribed 0", "1 a"]);
    assert.equal(node.topics.count("room"), 1);
    const methods = node.backplane.requests.map(([method]) => method);
    assert.equal(methods.filter((method) => method === "unsubscribe").length, 2);
    assert.ok(history.reads.length <= 3);
  },
);

historyTest(
  "reports messages that exceed the buffer during a history read as missed",
  1,
  async (t) => {
    const { nodes: [node], history } = t;
    const receiver = node.join();
    await nextMacrotask();
    history.read = () => new Promise(() => {});
    history.loses = (_, number) => number === 1;
    const text = "x".repeat(300_000);
    for (let i = 0; i < 8; i++) node.publish(text);
    await nextMacrotask();
    const log = receiver.log.map((line) => line.slice(0, 10).trimEnd());
    const held = ["3", "4", "5", "6", "7", "8"].map((number) => `${number} xxxxxxxx`);
    assert.deepEqual(log, ["subscribed", "missed", ...held]);
    assert.deepEqual(node.codes, ["BACKPLANE_OVERFLOW"]);
  },
);

historyTest(
  "onSlow also applies to messages from the broker",
  1,
  async ({ nodes: [node] }) => {
    const slow = node.join();
    const cut = node.join();
    await nextMacrotask();
    for (const receiver of [slow, cut]) receiver.slow = true;
    node.publish("dropped", { onSlow: "drop" });
    node.publish("old", { onSlow: "conflate", key: "k" });
    node.publish("new", { onSlow: "conflate", key: "k" });
    await nextMacrotask();
    slow.slow = false;
    assert.equal(node.topics.release(slow.control), true);
    assert.deepEqual(slow.log, ["subscribed 0", "3 new"]);
    node.publish("cuts", { onSlow: "close" });
    await nextMacrotask();
    assert.deepEqual([slow.log.at(-1), cut.state], ["4 cuts", "closed"]);
  },
);

historyTest("makes no requests to the broker after shutdown", 2, async ({ nodes, history }) => {
  const [one, two] = nodes;
  const receiver = one.join(5);
  one.topics.close(0);
  two.publish("no subscriber");
  await nextMacrotask();
  const before = history.requests.length + one.backplane.requests.length;
  one.publish("too late");
  one.backplane.sink.up();
  one.backplane.sink.down(new Error("down"));
  one.backplane.sink.message("room", hex(""), 1, 0);
  await nextMacrotask();
  assert.equal(history.requests.length + one.backplane.requests.length, before);
  assert.deepEqual([receiver.log, one.codes], [[], []]);
});

historyTest("replays page by page to a slow receiver", 1, async (t) => {
  const { nodes: [node], history } = t;
  for (let i = 0; i < 1000; i++) node.publish(`${i}`);
  await nextMacrotask();
  const stuck = new Receiver();
  stuck.slow = true;
  node.join(900, stuck);
  const back = node.join(990);
  await nextMacrotask();
  assert.deepEqual(stuck.log, []);
  assert.equal(back.log.length, 11, "the other receiver does not wait");
  const { length } = history.reads;
  node.topics.release(stuck.control);
  await nextMacrotask();
  assert.equal(history.reads.length, length, "the receiver is still slow");
  stuck.slow = false;
  node.topics.release(stuck.control);
  await nextMacrotask();
  assert.equal(stuck.log.at(-1), "1000 999");
});

Deno.test("throttles a client that resumes repeatedly, but no other client", async () => {
  const history = new FakeHistory();
  const broker = new FakeBroker(true, history);
  // The burst is 16 x 250 bytes. A message counts as its size plus 512 bytes.
  const node = new Node(broker, undefined, { replayRate: 250 });
  for (let i = 0; i < 20; i++) node.publish("x");
  await nextMacrotask();
  const greedy = new Receiver();
  for (let i = 0; i < 50; i++) {
    node.join(0, greedy);
    await nextMacrotask();
  }
  const sent = greedy.log.filter((line) => line.endsWith(" x")).length;
  assert.ok(sent >= 8 && sent < 20, `${sent} messages`);
  const honest = node.join(18);
  await nextMacrotask();
  assert.deepEqual(honest.log, ["subscribed 18", "19 x", "20 x"]);
  await node.topics.close(0);
  assert.equal(timers.size, 0, "no timer is left");
});

Deno.test("a shutdown waits for published messages and reports unsent ones", async () => {
  const history = new FakeHistory();
  const broker = new FakeBroker(true, history);
  const node = new Node(broker);
  const stored = new Deferred<void>();
  history.append = (done) => stored.promise.then(done);
  node.publish("last message");
  let isClosed = false;
  const closed = node.topics.close(60_000).then(() => isClosed = true);
  await nextMacrotask();
  assert.deepEqual([isClosed, node.backplane.requests.at(-1)], [false, ["start"]]);
  stored.resolve();
  await closed;
  assert.deepEqual(node.backplane.requests.at(-1), ["close"]);
  assert.deepEqual(node.codes, []);

  const other = new Node(new FakeBroker(false, new FakeHistory()));
  for (let i = 0; i < 3; i++) other.publish("no subscriber");
  await other.topics.close(60_000);
  assert.deepEqual(other.codes, ["BACKPLANE_OVERFLOW"]);
  assert.match(other.errors.all[0].message, /3 messages .* had not been sent/);
  assert.equal(timers.size, 0, "no timer is left");
});

historyTest("counts only open connections as waiting", 1, async ({ nodes: [node] }) => {
  node.join();
  const closing = node.join();
  await nextMacrotask();
  closing.state = "closing";
  assert.deepEqual(node.publish("text"), result(1));
});
