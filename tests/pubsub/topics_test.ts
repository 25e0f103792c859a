// Tests topics over an in-memory network: the receivers and the order of messages, slow
// subscribers, and handlers that subscribe, publish and close during a publish.

import assert from "node:assert/strict";
import type { CloseInfo } from "../../src/session/end.ts";
import type { Connection } from "../../src/connection/connection.ts";
import { type OnSlow, prepareMessage, type PublishResult } from "../../src/connection/arguments.ts";
import { connectOver } from "../../src/client/connect.ts";
import { serveOver, type Server } from "../../src/server/serve.ts";
import type { ServeOptions } from "../../src/server/serve_options.ts";
import { assertFreesMemory } from "../support/heap.ts";
import { MemoryNetwork } from "../support/memory_network.ts";
import { type RawPeer, upgradeRequest } from "../support/raw_peer.ts";
import { type Harness, nextMacrotask, socketTest } from "../support/socket_harness.ts";
import { CLOSE, closePayload, hex, TEXT } from "../support/vectors.ts";

interface Room {
  readonly server: Server;
  readonly conns: Connection<undefined>[];
  readonly peers: RawPeer[];
}

/** Starts a server with `count` connections that are subscribed to the topic "room". */
async function room(t: Harness, count: number, options: ServeOptions = {}): Promise<Room> {
  const server = await t.serve(options);
  const peers = Array.from({ length: count }, () => t.rawClient(server));
  for (const peer of peers) {
    peer.send(upgradeRequest());
    await peer.answer();
    peer.transport.peer.writes.length = 0;
  }
  const conns = [...server.clients()];
  for (const conn of conns) assert.equal(conn.subscribe("room"), true);
  return { server, conns, peers };
}

/** Creates the result of a publish. Omitted counts are 0. */
function result(counts: Partial<PublishResult>): PublishResult {
  return { sent: 0, waiting: 0, replaced: 0, dropped: 0, closed: 0, ...counts };
}

function payloads(peers: RawPeer[]): string[][] {
  return peers.map((peer) => peer.payloads);
}

socketTest("delivers a published message once to each subscriber of its topic", async (t) => {
  const { server, conns, peers } = await room(t, 3);
  conns[0].subscribe("other");
  conns[0].subscribe("room");
  assert.deepEqual(server.publish("room", "to all"), result({ sent: 3 }));
  assert.deepEqual(server.publish("other", "to the first"), result({ sent: 1 }));
  assert.deepEqual(server.publish("unused", "no subscriber"), result({}));
  conns[1].unsubscribe("room");
  assert.deepEqual(server.publish("room", "to two"), result({ sent: 2 }));
  await nextMacrotask();
  assert.deepEqual(payloads(peers), [
    ["to all", "to the first", "to two"],
    ["to all"],
    ["to all", "to two"],
  ]);
});

socketTest("excludes the connection in except and the publishing connection", async (t) => {
  const { server, conns, peers } = await room(t, 3);
  assert.deepEqual(server.publish("room", "1", { except: conns[1] }), result({ sent: 2 }));
  assert.deepEqual(conns[0].publish("room", "2"), result({ sent: 2 }));
  conns[2].unsubscribe("room");
  assert.deepEqual(
    conns[2].publish("room", "3"),
    result({ sent: 2 }),
    "the publisher need not be subscribed",
  );
  await nextMacrotask();
  assert.deepEqual(payloads(peers), [["1", "3"], ["2", "3"], ["1", "2"]]);
});

socketTest("text, bytes, buffers and prepared messages can be published", async (t) => {
  const { server, peers: [peer] } = await room(t, 1);
  const bytes = hex("01 02");
  server.publish("room", "text");
  server.publish("room", bytes);
  server.publish("room", bytes.buffer as ArrayBuffer);
  server.publish("room", prepareMessage("prepared"));
  bytes.fill(0xff);
  await nextMacrotask();
  assert.deepEqual(peer.frames.map(({ opcode }) => opcode), [1, 2, 2, 1]);
  assert.deepEqual(peer.payloads, ["text", "\x01\x02", "\x01\x02", "prepared"]);
});

socketTest("writes all messages published in one tick in one write per connection", async (t) => {
  const { server, conns, peers } = await room(t, 3);
  for (let i = 0; i < 5; i++) server.publish("room", `message ${i}`);
  conns[0].send("sent");
  server.publish("room", "last");
  await nextMacrotask();
  for (const peer of peers) assert.equal(peer.transport.peer.writes.length, 1);
  assert.deepEqual(peers[0].payloads.slice(-3), ["message 4", "sent", "last"]);
});

/** A write: the buffer, which may be larger, and the number of written bytes. */
interface Write {
  readonly bytes: Uint8Array;
  readonly length: number;
}

/** Records the writes of the server's connections from now on. */
function watchWrites(t: Harness): Write[] {
  const written: Write[] = [];
  for (const transport of t.network.accepted) {
    const write = transport.write.bind(transport);
    transport.write = (bytes, length) => {
      written.push({ bytes, length });
      return write(bytes, length);
    };
  }
  return written;
}

socketTest("encodes a published message once: all connections write the same memory", async (t) => {
  const { server } = await room(t, 3);
  const written = watchWrites(t);
  server.publish("room", "shared");
  await nextMacrotask();
  assert.equal(written.length, 3);
  assert.equal(new Set(written.map(({ bytes }) => bytes)).size, 1);
});

socketTest(
  "compresses a published message once for connections with the same parameters",
  async (t) => {
    const server = await t.serve({
      compression: { threshold: 0, serverContextTakeover: true },
      open: (conn) => void conn.subscribe("room"),
    });
    const alone = "permessage-deflate; server_no_context_takeover";
    const offers = [
      alone,
      alone,
      `${alone}; server_max_window_bits=10`,
      alone,
      "permessage-deflate",
    ];
    for (const offer of offers) {
      const peer = t.rawClient(server);
      peer.send(upgradeRequest([`Sec-WebSocket-Extensions: ${offer}`]));
      assert.equal((await peer.answer()).status, 101);
    }
    const written = watchWrites(t);
    server.publish("room", "All work and no play makes Jack a dull boy. ".repeat(50));
    await nextMacrotask();
    assert.equal(written.length, 5);
    assert.ok(written.every(({ length }) => length < 512), "all messages are compressed");
    const [first, ...others] = written.map(({ bytes }) => bytes);
    assert.deepEqual(others.map((bytes) => bytes === first), [true, false, true, false]);
  },
);

socketTest("topics and subscribers() list the subscriptions", async (t) => {
  const { server, conns } = await room(t, 2);
  conns[0].subscribe("a");
  assert.deepEqual(conns.map(({ topics }) => topics), [["room", "a"], ["room"]]);
  assert.deepEqual(["room", "a", "b"].map((topic) => server.subscribers(topic)), [2, 1, 0]);
  assert.equal(conns[0].unsubscribe("a"), true);
  assert.equal(conns[0].unsubscribe("a"), false);
  assert.equal(server.subscribers("a"), 0);
});

for (const end of ["close", "terminate", "peer"] as const) {
  socketTest(`a connection has no subscriptions after it has ended (${end})`, async (t) => {
    const seen: unknown[] = [];
    const { server, conns: [conn], peers: [peer, other] } = await room(t, 2, {
      close: (conn) => {
        seen.push(conn.topics, server.subscribers("room"), conn.subscribe("late"));
        seen.push(conn.unsubscribe("room"), conn.publish("room", "it has left").sent);
      },
    });
    if (end === "peer") peer.send({ opcode: CLOSE, payload: closePayload(1000) });
    else conn[end]();
    if (end === "close") {
      assert.equal(conn.subscribe("more"), false, "the connection is closing");
      assert.equal(server.publish("room", "not to a closing connection").sent, 1);
      await nextMacrotask();
      peer.send({ opcode: CLOSE, payload: closePayload(1000) });
    }
    peer.transport.end();
    await conn.closed;
    await nextMacrotask();
    assert.deepEqual(seen, [["room"], 1, false, false, 1]);
    assert.deepEqual(conn.topics, []);
    assert.equal(server.subscribers("room"), 1);
    assert.equal(server.subscribers("late"), 0);
    assert.equal(other.payloads.at(-1), "it has left");
    assert.equal(peer.payloads.includes("not to a closing connection"), false);
  });
}

socketTest("two servers share no topics", async (t) => {
  const [one, two] = [await room(t, 1), await room(t, 1)];
  assert.deepEqual(one.server.publish("room", "one", { except: two.conns[0] }).sent, 1);
  await nextMacrotask();
  assert.deepEqual(payloads(two.peers), [[]]);
});

socketTest("client connections reject topics", async (t) => {
  const { near } = await t.pair();
  for (const call of ["subscribe", "unsubscribe"] as const) {
    assert.throws(() => near[call]("room"), {
      name: "TypeError",
      message: new RegExp(`^Cannot ${call}: .* came from connect$`),
    });
  }
  assert.throws(() => near.publish("room", "x"), { name: "TypeError", message: /from connect$/ });
  assert.deepEqual(near.topics, []);
});

const WRONG: readonly [what: string, call: (room: Room) => unknown, message: RegExp][] = [
  ["subscribe()", ({ conns: [c] }) => c.subscribe(undefined as never), /got undefined$/],
  ["subscribe with an empty topic", ({ conns: [c] }) => c.subscribe(""), /must not be empty/],
  ["unsubscribe(7)", ({ conns: [c] }) => c.unsubscribe(7 as never), /got 7$/],
  ["subscribers(7)", ({ server }) => server.subscribers(7 as never), /got 7$/],
  ["publish of a number", ({ server }) => server.publish("room", 7 as never), /got 7$/],
  [
    "publish of a number without subscribers",
    ({ server }) => server.publish("x", 7 as never),
    /got 7$/,
  ],
  ["publish with an empty topic", ({ server }) => server.publish("", "x"), /must not be empty/],
  [
    "publish with a misspelled option",
    ({ server }) => server.publish("room", "x", { but: 1 } as never),
    /"but"/,
  ],
  [
    "a connection's publish with except",
    ({ conns: [c] }) => c.publish("room", "x", { except: c } as never),
    /^Unknown option "except"\. .* can have: onSlow, key$/,
  ],
];

for (const [what, call, message] of WRONG) {
  socketTest(`${what} throws synchronously and sends nothing`, async (t) => {
    const it = await room(t, 1);
    assert.throws(() => void call(it), (error: Error) => {
      assert.ok(error instanceof TypeError || error instanceof RangeError);
      assert.match(error.message, message);
      return true;
    });
    await nextMacrotask();
    assert.deepEqual(payloads(it.peers), [[]]);
    assert.deepEqual(it.conns[0].topics, ["room"]);
  });
}

const KILOBYTE = "x".repeat(1000);

/** Two connections; the first is blocked above its highWaterMark of 500 bytes. */
async function stalled(t: Harness, options: ServeOptions = {}): Promise<Room & { stall(): void }> {
  const it = await room(t, 2, { highWaterMark: 500, ...options });
  const stall = (): void => {
    t.network.accepted[0].blocked = true;
    it.conns[0].send(KILOBYTE);
  };
  stall();
  await nextMacrotask();
  return { ...it, stall };
}

/** Unblocks the first connection. Returns the payloads that both peers have received. */
async function unblock(t: Harness, { peers }: Room): Promise<string[][]> {
  t.network.accepted[0].unblock();
  await nextMacrotask();
  return payloads(peers).map((list) => list.map((text) => text === KILOBYTE ? "K" : text));
}

socketTest('"queue" sends to slow subscribers like to all others', async (t) => {
  const it = await stalled(t);
  for (const onSlow of [undefined, "queue"] as const) {
    assert.deepEqual(it.server.publish("room", "m", { onSlow }), result({ sent: 2 }));
  }
  assert.deepEqual(await unblock(t, it), [["K", "m", "m"], ["m", "m"]]);
});

socketTest('"drop" skips slow subscribers while they are slow', async (t) => {
  const it = await stalled(t);
  const drop = { onSlow: "drop" } as const;
  assert.deepEqual(it.server.publish("room", "1", drop), result({ sent: 1, dropped: 1 }));
  assert.deepEqual(await unblock(t, it), [["K"], ["1"]]);
  assert.deepEqual(it.server.publish("room", "2", drop), result({ sent: 2 }));
  assert.deepEqual(await unblock(t, it), [["K", "2"], ["1", "2"]]);
});

socketTest('"close" disconnects slow subscribers with SLOW_CONSUMER', async (t) => {
  const infos: CloseInfo[] = [];
  const it = await stalled(t, { close: (_, info) => void infos.push(info) });
  const close = { onSlow: "close" } as const;
  assert.deepEqual(it.server.publish("room", "1", close), result({ sent: 1, closed: 1 }));
  assert.deepEqual(it.server.publish("room", "2", close), result({ sent: 1 }));
  await it.conns[0].closed;
  const [{ code, clean, initiator, error }] = infos;
  assert.deepEqual([code, clean, initiator], [1006, false, "local"]);
  assert.equal((error as { code?: string }).code, "SLOW_CONSUMER");
  assert.match(error!.message, /1004 bytes are waiting, highWaterMark is 500$/);
  await nextMacrotask();
  assert.deepEqual(it.peers[1].payloads, ["1", "2"]);
});

socketTest(
  '"conflate" keeps the latest message of each key, in the order of the first one',
  async (t) => {
    const drains: number[] = [];
    const it = await stalled(t, { drain: (conn) => void drains.push(conn.bufferedAmount) });
    const publish = (key: string, text: string): PublishResult =>
      it.server.publish("room", text, { onSlow: "conflate", key });
    assert.deepEqual(publish("a", "a1"), result({ sent: 1, waiting: 1 }));
    assert.deepEqual(publish("b", "b1"), result({ sent: 1, waiting: 1 }));
    assert.deepEqual(publish("a", "a2"), result({ sent: 1, waiting: 1, replaced: 1 }));
    assert.deepEqual(publish("", "none"), result({ sent: 1, waiting: 1 }));
    assert.deepEqual(it.server.publish("room", "none 2", { onSlow: "conflate" }).replaced, 1);
    assert.deepEqual(await unblock(t, it), [
      ["K", "a2", "b1", "none 2"],
      ["a1", "b1", "a2", "none", "none 2"],
    ]);
    assert.deepEqual(publish("a", "a3"), result({ sent: 2 }));
    await nextMacrotask();
    assert.deepEqual(it.peers[0].payloads.at(-1), "a3");
    assert.deepEqual(drains, [0], "drain is called once, after the queued messages");
  },
);

socketTest("keys of different topics are independent", async (t) => {
  const it = await stalled(t);
  // Topic and key concatenate to the same string.
  it.conns[0].subscribe("room1");
  it.server.publish("room", "one", { onSlow: "conflate", key: "1" });
  assert.equal(it.server.publish("room1", "two", { onSlow: "conflate" }).replaced, 0);
  assert.deepEqual((await unblock(t, it))[0], ["K", "one", "two"]);
});

socketTest(
  "queued messages are sent when buffer space becomes free, and can be replaced until then",
  async (t) => {
    const it = await stalled(t);
    const publish = (key: string): PublishResult =>
      it.server.publish("room", `${key}${KILOBYTE}`, { onSlow: "conflate", key });
    for (const key of ["a", "b", "c"]) publish(key);
    // The blocked peer accepts one write at a time. Each write frees space for another message.
    const [transport] = t.network.accepted;
    const first = (): string[] => it.peers[0].payloads.map(([start]) => start);
    transport.deliverPendingWrite();
    await nextMacrotask();
    assert.deepEqual(first(), ["x"]);
    assert.deepEqual(publish("a").replaced, 0, "the message is already written");
    assert.deepEqual(publish("c").replaced, 1);
    transport.deliverPendingWrite();
    await nextMacrotask();
    assert.deepEqual(first(), ["x", "a"]);
    transport.unblock();
    await nextMacrotask();
    assert.deepEqual(first(), ["x", "a", "b", "c", "a"]);
  },
);

socketTest(
  "new output never overtakes buffered output, even when buffer space is free again",
  async (t) => {
    const it = await stalled(t, {
      drain: (conn) => void conn.publish("room", "by the drain handler"),
    });
    const [conn] = it.conns;
    it.server.publish("room", "a1", { onSlow: "conflate", key: "a" });
    // Queued messages are not released while the output is corked.
    conn.cork(() => {
      t.network.accepted[0].unblock();
      assert.equal(conn.bufferedAmount, 0);
      assert.equal(it.server.publish("room", "a2", { onSlow: "conflate", key: "a" }).replaced, 1);
    });
    await nextMacrotask();
    assert.deepEqual(it.peers[0].payloads, [KILOBYTE, "a2"]);
    assert.deepEqual(it.peers[1].payloads, ["a1", "a2", "by the drain handler"]);
  },
);

socketTest(
  "sends queued messages before the Close frame",
  async (t) => {
    const it = await stalled(t);
    it.server.publish("room", "last", { onSlow: "conflate" });
    it.conns[0].close();
    t.network.accepted[0].unblock();
    await nextMacrotask();
    assert.deepEqual(it.peers[0].frames.map(({ opcode }) => opcode), [TEXT, TEXT, CLOSE]);
    assert.equal(it.peers[0].payloads[1], "last");
  },
);

socketTest("queued messages count toward maxBufferedAmount", async (t) => {
  const it = await stalled(t, { maxBufferedAmount: 5000 });
  it.conns[1].unsubscribe("room");
  const results = ["a", "b", "c", "d", "e"].map((key) =>
    it.server.publish("room", KILOBYTE, { onSlow: "conflate", key })
  );
  assert.deepEqual(results.map(({ closed }) => closed), [0, 0, 0, 1, 0]);
  const { code, error } = await it.conns[0].closed;
  assert.equal(code, 1006, "no Close frame was received");
  assert.match(error!.message, /5020 bytes are waiting, maxBufferedAmount is 5000$/);
});

for (const onSlow of ["queue", "drop", "conflate", "close"] as OnSlow[]) {
  socketTest(
    `a single message over maxBufferedAmount is delivered, with "${onSlow}"`,
    async (t) => {
      const { server, peers } = await room(t, 1, { highWaterMark: 500, maxBufferedAmount: 999 });
      assert.deepEqual(server.publish("room", KILOBYTE, { onSlow }), result({ sent: 1 }));
      await nextMacrotask();
      assert.deepEqual(peers[0].payloads, [KILOBYTE]);
    },
  );
}

socketTest("a close handler publishes after the message that closed its connection", async (t) => {
  const it = await room(t, 3, {
    highWaterMark: 500,
    close: (conn) => {
      conn.publish("room", "gone");
      it.conns[2].subscribe("room");
    },
  });
  it.conns[2].unsubscribe("room");
  t.network.accepted[0].blocked = true;
  it.conns[0].send(KILOBYTE);
  await nextMacrotask();
  it.server.publish("room", "first", { onSlow: "close" });
  await nextMacrotask();
  assert.deepEqual(it.peers[1].payloads, ["first", "gone"]);
  assert.deepEqual(it.peers[2].payloads, [], "a later subscriber gets later messages only");
  it.server.publish("room", "later");
  await nextMacrotask();
  assert.deepEqual(it.peers[2].payloads, ["later"]);
});

socketTest("close handlers that terminate each other run to completion", async (t) => {
  const it = await room(t, 5, {
    highWaterMark: 500,
    close: () => it.conns.forEach((conn) => conn.terminate()),
  });
  for (const [i, conn] of it.conns.entries()) {
    t.network.accepted[i].blocked = true;
    conn.send(KILOBYTE);
  }
  assert.equal(it.server.publish("room", "x", { onSlow: "close" }).closed, 5);
  assert.equal(it.server.publish("room", "x").sent, 0, "all connections are closed");
  await nextMacrotask();
  assert.equal(it.server.subscribers("room"), 0);
});

socketTest("handlers subscribe and publish, and their output is sent in one write", async (t) => {
  const { peers } = await room(t, 2, {
    open: (conn) => void conn.subscribe("lobby"),
    message: (conn, data) => {
      conn.send("1");
      conn.publish("lobby", `2 ${data}`);
      conn.send("3");
    },
  });
  peers[0].send({ opcode: TEXT, payload: "a" }, { opcode: TEXT, payload: "b" });
  await nextMacrotask();
  assert.deepEqual(payloads(peers), [["1", "3", "1", "3"], ["2 a", "2 b"]]);
  for (const peer of peers) assert.equal(peer.transport.peer.writes.length, 1);
});

socketTest("a message published during a fragmented message follows it", async (t) => {
  const { server, conns: [conn], peers: [peer] } = await room(t, 1);
  const go = Promise.withResolvers<void>();
  async function* source(): AsyncGenerator<string> {
    yield "begin ";
    await go.promise;
    yield "end";
  }
  const sending = conn.sendStream(source());
  await nextMacrotask();
  assert.deepEqual(server.publish("room", "behind"), result({ sent: 1 }));
  go.resolve();
  await sending;
  await nextMacrotask();
  assert.equal(peer.payloads.at(-1), "behind");
  assert.equal(peer.payloads.join(""), "begin endbehind");
});

Deno.test("retains no memory for connections that closed with queued messages", async () => {
  const network = new MemoryNetwork();
  const server = await serveOver(network, {
    highWaterMark: 500,
    open: (conn) => void (conn.subscribe("room"), conn.subscribe("another")),
  });
  await assertFreesMemory(100, 1000, async () => {
    const near = await connectOver(network, server.url, {});
    const [far] = server.clients();
    network.accepted[0].blocked = true;
    far.send(KILOBYTE);
    await nextMacrotask();
    const { waiting } = server.publish("room", "y".repeat(20_000), { onSlow: "conflate" });
    assert.equal(waiting, 1);
    far.terminate();
    near.terminate();
    await Promise.all([far.closed, near.closed]);
    network.accepted.length = network.dialed.length = 0;
  });
  assert.equal(server.subscribers("room"), 0);
  await server.shutdown();
});
