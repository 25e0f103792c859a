// Servers that share a broker: publishing, receiving, and the behavior while the broker is down or
// faulty.

import assert from "node:assert/strict";
import type { WebSocketError } from "../../src/errors.ts";
import type { Backplane } from "../../src/backplane/backplane.ts";
import type { Connection } from "../../src/connection/connection.ts";
import type { ServeOptions } from "../../src/server/serve_options.ts";
import type { Server } from "../../src/server/serve.ts";
import { type FakeBackplane, FakeBroker, type Request } from "../support/fake_broker.ts";
import { type RawPeer, upgradeRequest } from "../support/raw_peer.ts";
import { type Harness, nextMacrotask, socketTest } from "../support/socket_harness.ts";
import { BINARY, hex, TEXT } from "../support/vectors.ts";

interface Node {
  readonly server: Server;
  readonly backplane: FakeBackplane;
  readonly conn: Connection<undefined>;
  readonly peer: RawPeer;
  readonly errors: WebSocketError[];
}

/** Starts a server on the broker, with one connection subscribed to "room". */
async function node(t: Harness, broker: FakeBroker, options: ServeOptions = {}): Promise<Node> {
  const backplane = broker.backplane();
  const errors: WebSocketError[] = [];
  const server = await t.serve({
    backplane,
    onError: (error) => void errors.push(error as WebSocketError),
    ...options,
  });
  const peer = t.rawClient(server);
  peer.send(upgradeRequest());
  await peer.answer();
  const [conn] = server.clients();
  conn.subscribe("room");
  return { server, backplane, conn, peer, errors };
}

/** Starts a number of servers on one broker. */
async function nodes(t: Harness, count: number, broker = new FakeBroker()): Promise<Node[]> {
  const all: Node[] = [];
  while (all.length < count) all.push(await node(t, broker));
  return all;
}

function codes({ errors }: Node): string[] {
  return errors.map(({ code }) => code);
}

/** Returns the requests to the broker other than "publish". */
function requests({ backplane }: Node): Request[] {
  return backplane.requests.filter(([method]) => method !== "publish");
}

socketTest("messages from one server arrive at all servers once and in order", async (t) => {
  const all = await nodes(t, 3);
  const expected: string[] = [];
  for (let i = 0; i < 30; i++) {
    expected.push(`message ${i}`);
    assert.equal(all[0].server.publish("room", `message ${i}`).sent, 1, "here");
  }
  await nextMacrotask();
  for (const each of all) {
    assert.deepEqual(each.peer.payloads, expected);
    assert.deepEqual(codes(each), []);
  }
});

socketTest("does not deliver a connection's own messages through the broker", async (t) => {
  const [one, two] = await nodes(t, 2);
  one.conn.publish("room", "from one");
  two.conn.publish("room", "from two");
  one.server.publish("room", "not to one", { except: one.conn });
  await nextMacrotask();
  assert.deepEqual(one.peer.payloads, ["from two"]);
  assert.deepEqual(two.peer.payloads, ["from one", "not to one"]);
});

socketTest(
  "text, bytes and topics with any characters pass through the broker unchanged",
  async (t) => {
    const [one, two] = await nodes(t, 2);
    const topic = "a b\r\n*>.\u20ac\u{1f680}";
    two.conn.subscribe(topic);
    one.server.publish(topic, "caf\u00e9 \ufeff");
    one.server.publish(topic, hex("ff fe 00"));
    one.server.publish(topic, "");
    await nextMacrotask();
    const frames = two.peer.frames.map(({ opcode, payload }) => [opcode, [...payload]]);
    assert.deepEqual(frames, [
      [TEXT, [...new TextEncoder().encode("caf\u00e9 \ufeff")]],
      [BINARY, [0xff, 0xfe, 0]],
      [TEXT, []],
    ]);
  },
);

socketTest("subscribes at the broker only to topics with local subscribers", async (t) => {
  const [it] = await nodes(t, 1);
  const other = await t.connect(it.server.url);
  const [, second] = it.server.clients();
  second.subscribe("room");
  second.subscribe("own");
  second.subscribe("own");
  second.unsubscribe("room");
  it.server.publish("unused", "is sent without subscribers");
  it.conn.unsubscribe("room");
  it.conn.unsubscribe("room");
  other.close();
  await second.closed;
  await it.server.shutdown({ timeout: 0 });
  assert.deepEqual(it.backplane.requests, [
    ["start"],
    ["subscribe", "room"],
    ["subscribe", "own"],
    ["publish", "unused"],
    ["unsubscribe", "room"],
    ["unsubscribe", "own"],
    ["close"],
  ]);
});

socketTest("sends the onSlow policy with the message", async (t) => {
  const broker = new FakeBroker();
  const one = await node(t, broker);
  const two = await node(t, broker, { highWaterMark: 500 });
  const transport = t.network.accepted[1];
  transport.blocked = true;
  two.conn.send("x".repeat(1000));
  one.server.publish("room", "dropped", { onSlow: "drop" });
  for (const key of ["a", "b", "a"]) {
    one.server.publish("room", key + one.peer.payloads.length, { onSlow: "conflate", key });
    await nextMacrotask();
  }
  transport.unblock();
  await nextMacrotask();
  assert.deepEqual(two.peer.payloads.slice(1), ["a3", "b2"]);
  transport.blocked = true;
  two.conn.send("x".repeat(1000));
  one.server.publish("room", "cuts", { onSlow: "close" });
  assert.equal((await two.conn.closed).code, 1006);
});

socketTest("delivers locally and queues for the broker during an outage", async (t) => {
  const broker = new FakeBroker();
  const [one, two] = await nodes(t, 2, broker);
  const cause = new Error("gone");
  one.backplane.requests.length = 0;
  broker.disconnect(cause);
  one.backplane.sink.down(new Error("still down"));
  assert.equal(one.server.publish("room", "1").sent, 1);
  one.conn.subscribe("new");
  one.conn.unsubscribe("new");
  one.conn.subscribe("newer");
  two.conn.publish("room", "2");
  one.server.publish("room", "3");
  await nextMacrotask();
  assert.deepEqual(one.peer.payloads, ["1", "3"]);
  assert.deepEqual(two.peer.payloads, []);
  assert.deepEqual(one.backplane.requests, [], "the broker receives no requests");
  assert.deepEqual([codes(one), codes(two)], [["BACKPLANE_DOWN"], ["BACKPLANE_DOWN"]]);
  assert.equal(one.errors[0].cause, cause);

  broker.reconnect();
  one.server.publish("room", "4");
  await nextMacrotask();
  assert.deepEqual(requests(one), [["subscribe", "room"], ["subscribe", "newer"]]);
  assert.deepEqual(
    one.backplane.requests.slice(0, 2),
    requests(one),
    "subscribes before publishing",
  );
  assert.deepEqual(one.peer.payloads, ["1", "3", "4", "2"]);
  // Delivery is at most once: a server misses messages published before it has resubscribed.
  assert.deepEqual(two.peer.payloads.at(-1), "4");
  assert.deepEqual([codes(one).length, codes(two).length], [1, 1]);
});

socketTest(
  "sends queued messages in order, then messages published while sending them",
  async (t) => {
    const broker = new FakeBroker(false);
    const one = await node(t, broker);
    const two = await node(t, broker);
    for (const text of ["1", "2", "3"]) one.server.publish("room", text);
    broker.isUp = true;
    two.backplane.sink.up();
    // The broker calls back from inside a request.
    const publish = one.backplane.publish.bind(one.backplane);
    let nested = false;
    one.backplane.publish = (topic, message) => {
      if (!nested) {
        nested = true;
        one.server.publish("room", "4");
      }
      return publish(topic, message);
    };
    one.backplane.sink.up();
    one.server.publish("room", "5");
    await nextMacrotask();
    assert.deepEqual(two.peer.payloads, ["1", "2", "3", "4", "5"]);
    assert.deepEqual(codes(one), []);
  },
);

socketTest(
  "another outage while sending the queue loses no queued messages",
  async (t) => {
    const broker = new FakeBroker(false);
    const one = await node(t, broker);
    const two = await node(t, broker);
    for (const text of ["1", "2", "3"]) one.server.publish("room", text);
    broker.isUp = true;
    two.backplane.sink.up();
    const publish = one.backplane.publish.bind(one.backplane);
    one.backplane.publish = (topic, message) => {
      const result = publish(topic, message);
      if (broker.published.length === 2) one.backplane.sink.down(new Error("again"));
      return result;
    };
    one.backplane.sink.up();
    await nextMacrotask();
    assert.deepEqual(two.peer.payloads, ["1", "2"]);
    one.backplane.sink.up();
    await nextMacrotask();
    assert.deepEqual(two.peer.payloads, ["1", "2", "3"]);
  },
);

socketTest(
  "queues a message that reveals an outage, and later messages, in order",
  async (t) => {
    const [one, two] = await nodes(t, 2);
    const publish = one.backplane.publish.bind(one.backplane);
    let left = 1;
    one.backplane.publish = (topic, message) => {
      if (left-- > 0) return publish(topic, message);
      one.backplane.sink.down(new Error("outage"));
      throw new Error("outage");
    };
    for (const text of ["1", "2", "3", "4"]) one.server.publish("room", text);
    // The broker fails again after the first queued message.
    left = 1;
    one.backplane.sink.up();
    await nextMacrotask();
    assert.deepEqual(two.peer.payloads, ["1", "2"]);
    left = Infinity;
    one.backplane.sink.up();
    await nextMacrotask();
    assert.deepEqual(two.peer.payloads, ["1", "2", "3", "4"]);
    assert.deepEqual(codes(one), ["BACKPLANE_DOWN", "BACKPLANE_DOWN"]);
  },
);

for (const [drop, kept] of [["oldest", ["8", "9"]], ["newest", ["0", "1"]]] as const) {
  socketTest(`bounds the queue, drops the ${drop} when it is full, and reports it`, async (t) => {
    const broker = new FakeBroker(false);
    // A 1-byte message counts as 35 bytes, its topic as 4.
    const one = await node(t, broker, { backplaneQueue: { maxBytes: 2 * 39, drop } });
    const two = await node(t, broker);
    for (let i = 0; i < 10; i++) one.server.publish("room", String(i));
    broker.isUp = true;
    two.backplane.sink.up();
    one.backplane.sink.up();
    await nextMacrotask();
    assert.deepEqual(two.peer.payloads, kept);
    assert.deepEqual(codes(one), ["BACKPLANE_OVERFLOW"]);
    assert.match(one.errors[0].message, /\b8 messages/);
  });
}

const cause = new Error("broker failure");
const FAILURES: Record<string, () => unknown> = {
  throws: () => {
    throw cause;
  },
  rejects: () => Promise.reject(cause),
};

for (const [how, fail] of Object.entries(FAILURES)) {
  socketTest(`reports a broker that ${how}, and continues`, async (t) => {
    const broker = new FakeBroker();
    const backplane = broker.backplane();
    const errors: WebSocketError[] = [];
    backplane.fails = fail;
    const server = await t.serve({
      backplane,
      onError: (error) => void errors.push(error as WebSocketError),
      open: (conn) => void conn.subscribe("room"),
    });
    await nextMacrotask();
    backplane.sink.up();
    const conn = await t.connect(server.url);
    await nextMacrotask();
    assert.equal(server.publish("room", "x").sent, 1);
    [...server.clients()][0].unsubscribe("room");
    conn.close();
    await conn.closed;
    await server.shutdown();
    await nextMacrotask();
    const methods = backplane.requests.map(([method]) => method);
    assert.deepEqual(methods, ["start", "subscribe", "publish", "unsubscribe", "close"]);
    assert.deepEqual(errors.map(({ code }) => code), methods.map(() => "BACKPLANE_FAILED"));
    assert.ok(errors.every((error) => error.cause === cause));
  });
}

const INVALID_MESSAGES: readonly [what: string, topic: unknown, message: unknown][] = [
  ["another program's bytes", "room", hex("01 02 03")],
  ["an empty message", "room", hex("")],
  ["text instead of bytes", "room", "hello"],
  ["no message", "room", undefined],
  ["no topic", undefined, hex("01")],
];

for (const [what, topic, message] of INVALID_MESSAGES) {
  socketTest(`reports and ignores ${what} from the broker`, async (t) => {
    const [it] = await nodes(t, 1);
    it.backplane.sink.message(topic as string, message as Uint8Array);
    it.server.publish("room", "continues");
    await nextMacrotask();
    assert.deepEqual(codes(it), ["BACKPLANE_INVALID_MESSAGE"]);
    assert.deepEqual(it.peer.payloads, ["continues"]);
    assert.equal(it.conn.readyState, "open");
  });
}

socketTest(
  "makes no requests to the broker and ignores its messages after shutdown",
  async (t) => {
    const [one, two] = await nodes(t, 2);
    await one.server.shutdown({ timeout: 0 });
    const before = one.backplane.requests.length;
    one.server.publish("room", "too late");
    one.backplane.sink.down(new Error("down"));
    one.backplane.sink.up();
    one.backplane.sink.message("room", hex("00"));
    await nextMacrotask();
    assert.equal(one.backplane.requests.length, before);
    assert.deepEqual(codes(one), []);
    assert.deepEqual(two.peer.payloads, []);
  },
);

const BACKPLANE: Backplane = new FakeBroker().backplane();

const WRONG: readonly [what: string, options: ServeOptions, message: RegExp][] = [
  ["null", { backplane: null as never }, /"backplane" must be an object .* got null$/],
  ["no backplane", { backplane: {} as never }, /a function "start", got an object$/],
  [
    "a queue of the wrong type",
    { backplaneQueue: 7 as never },
    /"backplaneQueue" must be an object/,
  ],
  [
    "an unknown limit",
    { backplaneQueue: { max: 1 } as never },
    /Unknown option "backplaneQueue\.max"/,
  ],
  ["a negative limit", { backplaneQueue: { maxBytes: -1 } }, /"backplaneQueue.maxBytes"/],
  ["an unknown policy", { backplaneQueue: { drop: "all" as never } }, /"oldest" or "newest"/],
];

for (const [what, options, message] of WRONG) {
  socketTest(`serve rejects ${what} in the backplane options`, async (t) => {
    await assert.rejects(t.serve({ backplane: BACKPLANE, ...options }), (error: Error) => {
      assert.ok(error instanceof TypeError || error instanceof RangeError);
      assert.match(error.message, message);
      return true;
    });
  });
}

socketTest("reports a failed subscription once and retries it", async (t) => {
  const broker = new FakeBroker();
  const one = await node(t, broker);
  let attempts = 0;
  one.backplane.fails = () => attempts++ < 2 ? Promise.reject(new Error("not now")) : undefined;
  one.conn.subscribe("stubborn");
  while (attempts < 3) await new Promise((resolve) => setTimeout(resolve, 10));
  await nextMacrotask();
  assert.deepEqual(codes(one), ["BACKPLANE_FAILED"]);
  one.backplane.fails = undefined;
});

socketTest("reports messages that could not be sent before shutdown", async (t) => {
  const one = await node(t, new FakeBroker(false));
  for (let i = 0; i < 5; i++) one.server.publish("room", "to others");
  await one.server.shutdown({ timeout: 0 });
  assert.deepEqual(codes(one), ["BACKPLANE_OVERFLOW"]);
  assert.match(one.errors[0].message, /5 messages .* had not been sent/);
});

socketTest(
  "shutdown waits for the backplane to close, up to its timeout",
  async (t) => {
    for (const timeout of [60_000, 10]) {
      const one = await node(t, new FakeBroker());
      let close: (() => void) | undefined;
      one.backplane.fails = (method) =>
        method === "close" ? new Promise<void>((resolve) => close = resolve) : undefined;
      let isOver = false;
      one.peer.transport.destroy();
      const over = one.server.shutdown({ timeout }).then(() => isOver = true);
      await nextMacrotask();
      if (timeout > 10) {
        assert.equal(isOver, false);
        close!();
      }
      await over;
    }
  },
);

socketTest("reports an error that is unrelated to a request", async (t) => {
  const one = await node(t, new FakeBroker());
  const cause = new Error("permission revoked");
  one.backplane.sink.failed!(cause);
  assert.deepEqual(one.errors.map((error) => [error.code, error.cause]), [[
    "BACKPLANE_FAILED",
    cause,
  ]]);
});
