// The number and order of a connection's writes.

import assert from "node:assert/strict";
import type { Connection } from "../../src/connection/connection.ts";
import { prepareMessage } from "../../src/connection/arguments.ts";
import { bothSides, nextMacrotask, socketTest } from "../support/socket_harness.ts";
import { upgradeRequest } from "../support/raw_peer.ts";
import { Random } from "../support/random.ts";
import { CLOSE, PING, PONG, TEXT } from "../support/vectors.ts";

function numbered(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => `text ${from + i}`);
}

bothSides("sends all replies to one chunk in one write", async (_, open) => {
  const side = await open({ message: (conn, data) => void conn.send(data) });
  side.peer.send(...numbered(100).map((payload) => ({ opcode: TEXT, payload })));
  await nextMacrotask();
  assert.equal(side.transport.writes.length, 1);
  assert.deepEqual(side.peer.payloads, numbered(100));
});

bothSides("sends pongs, replies and the Close reply in one write", async (_, open) => {
  const { peer, transport } = await open({ message: (conn, data) => void conn.send(data) });
  peer.send({ opcode: PING }, { opcode: TEXT, payload: "hi" }, { opcode: PING }, { opcode: CLOSE });
  await nextMacrotask();
  assert.equal(transport.writes.length, 1);
  assert.deepEqual(peer.frames.map(({ opcode }) => opcode), [PONG, TEXT, PONG, CLOSE]);
});

bothSides("sends replies larger than the cork buffer in order", async (_, open) => {
  const side = await open({ message: (conn, data) => void conn.send(`${data} `.repeat(3000)) });
  side.peer.send(...numbered(20).map((payload) => ({ opcode: TEXT, payload })));
  await nextMacrotask();
  assert.deepEqual(side.peer.payloads, numbered(20).map((text) => `${text} `.repeat(3000)));
  assert.ok(side.transport.writes.length < 20, `${side.transport.writes.length} writes`);
});

bothSides("sends all messages of one tick outside of handlers in one write", async (_, open) => {
  const side = await open();
  for (const text of numbered(10)) side.conn.send(text);
  side.conn.ping("p");
  side.conn.sendPrepared(prepareMessage("prepared"));
  assert.equal(side.transport.writes.length, 0, "nothing is written before the end of the tick");
  assert.ok(side.conn.bufferedAmount > 0);
  await nextMacrotask();
  assert.equal(side.transport.writes.length, 1);
  assert.equal(side.conn.bufferedAmount, 0);
  assert.deepEqual(side.peer.payloads, [...numbered(10), "p", "prepared"]);
});

bothSides("writes messages sent after an await", async (_, open) => {
  const side = await open();
  side.conn.send("one");
  await Promise.resolve();
  side.conn.send("two");
  await nextMacrotask();
  side.conn.send("three");
  await nextMacrotask();
  assert.deepEqual(side.peer.payloads, ["one", "two", "three"]);
});

bothSides("cork combines messages into one write", async (_, open) => {
  const side = await open();
  side.conn.cork(() => {
    for (const text of numbered(10)) side.conn.send(text);
    assert.equal(side.transport.writes.length, 0);
  });
  assert.equal(side.transport.writes.length, 1);
  await nextMacrotask();
  assert.equal(side.transport.writes.length, 1);
  assert.deepEqual(side.peer.payloads, numbered(10));
});

bothSides("nested corks write when the outermost cork ends", async (_, open) => {
  const side = await open();
  side.conn.cork(() => {
    side.conn.send("one");
    side.conn.cork(() => void side.conn.send("two"));
    assert.equal(side.transport.writes.length, 0);
    side.conn.send("three");
  });
  assert.equal(side.transport.writes.length, 1);
  await nextMacrotask();
  assert.deepEqual(side.peer.payloads, ["one", "two", "three"]);
});

bothSides("a cork around delayed messages does not flush them", async (_, open) => {
  const side = await open({ delayedWrite: { maxMessages: 3 } });
  side.conn.cork(() => {
    for (const text of numbered(9)) side.conn.sendDelayed(text);
  });
  await nextMacrotask();
  assert.equal(side.transport.writes.length, 1);
  assert.deepEqual(side.peer.payloads, numbered(9));
});

socketTest("sends the handshake response and the output of open in one write", async (t) => {
  const peer = await t.ask({
    open: (conn) => {
      conn.send("welcome");
      conn.ping();
    },
  });
  await peer.answer();
  assert.equal(peer.transport.peer.writes.length, 1);
  assert.deepEqual(peer.frames.map(({ opcode }) => opcode), [TEXT, PING]);
});

socketTest("messages sent to other connections inside a handler stay in order", async (t) => {
  const server = await t.serve<string | null>({
    message: (from, data) => {
      for (const to of server.clients()) to.send(`${data} from ${from.data}`);
      from.send("done");
    },
    upgrade: ({ headers }) => ({ data: headers.get("x-name") }),
  });
  const peers = [];
  for (const name of ["a", "b", "c"]) {
    const peer = t.rawClient(server);
    peer.send(upgradeRequest([`X-Name: ${name}`]));
    await peer.answer();
    peers.push(peer);
  }
  peers[0].send({ opcode: TEXT, payload: "1" }, { opcode: TEXT, payload: "2" });
  peers[1].send({ opcode: TEXT, payload: "3" });
  await nextMacrotask();
  const all = ["1 from a", "2 from a", "3 from b"];
  assert.deepEqual(peers[0].payloads, ["1 from a", "done", "2 from a", "done", all[2]]);
  assert.deepEqual(peers[1].payloads, [...all, "done"]);
  assert.deepEqual(peers[2].payloads, all);
});

socketTest("does not mix the output of connections that alternate", async (t) => {
  const sides = [await t.accept(), await t.accept(), await t.openClient()];
  for (const text of numbered(50)) {
    for (const { conn } of sides) conn.send(text);
  }
  await nextMacrotask();
  for (const side of sides) assert.deepEqual(side.peer.payloads, numbered(50));
});

bothSides("sends delayed messages in one write when maxMessages is reached", async (
  _,
  open,
) => {
  const side = await open({ delayedWrite: { maxMessages: 4, maxDelay: 60_000 } });
  // The message count restarts after each batch.
  for (let batch = 1; batch <= 3; batch++) {
    for (const text of numbered(3)) assert.equal(side.conn.sendDelayed(text), true);
    await nextMacrotask();
    assert.equal(
      side.transport.writes.length,
      batch - 1,
      "nothing is written before the batch is full",
    );
    assert.ok(side.conn.bufferedAmount > 0);
    side.conn.sendDelayed("text 3");
    await nextMacrotask();
    assert.equal(side.transport.writes.length, batch);
  }
  assert.deepEqual(side.peer.payloads, [...numbered(4), ...numbered(4), ...numbered(4)]);
});

bothSides("flushes delayed messages after maxDelay, repeatedly", async (_, open) => {
  const side = await open({ delayedWrite: { maxMessages: 100, maxDelay: 10 } });
  for (let batch = 1; batch <= 3; batch++) {
    side.conn.sendDelayed("one");
    side.conn.sendDelayed("two");
    await nextMacrotask();
    assert.equal(side.transport.writes.length, batch - 1);
    await side.peer.framesOf(2 * batch);
    assert.equal(side.transport.writes.length, batch);
  }
});

bothSides(
  "sends delayed messages before the next undelayed message, in the same write",
  async (_, open) => {
    const side = await open({ delayedWrite: { maxDelay: 60_000 } });
    const others: ((conn: Connection<undefined>) => unknown)[] = [
      (conn) => conn.send("other"),
      (conn) => conn.sendUtf8(new TextEncoder().encode("other")),
      (conn) => conn.sendPrepared(prepareMessage("other")),
      (conn) => conn.ping("other"),
      (conn) => conn.pong("other"),
    ];
    for (const [i, sendOther] of others.entries()) {
      side.conn.sendDelayed("one");
      side.conn.sendDelayed("two");
      sendOther(side.conn);
      await nextMacrotask();
      assert.equal(side.transport.writes.length, i + 1);
    }
    assert.deepEqual(side.peer.payloads, Array(5).fill(["one", "two", "other"]).flat());
  },
);

bothSides(
  "delayed messages that were flushed early do not count for the next batch",
  async (_, open) => {
    const side = await open({ delayedWrite: { maxMessages: 3, maxDelay: 60_000 } });
    side.conn.sendDelayed("one");
    side.conn.sendDelayed("two");
    side.conn.send("other");
    await nextMacrotask();
    side.conn.sendDelayed("three");
    await nextMacrotask();
    assert.equal(side.transport.writes.length, 1, "the third message is the first of its batch");
  },
);

bothSides("sends delayed messages before the Close frame", async (_, open) => {
  const side = await open({ delayedWrite: { maxDelay: 60_000 } });
  side.conn.sendDelayed("one");
  side.conn.close(1000, "bye");
  await nextMacrotask();
  assert.deepEqual(side.peer.frames.map(({ opcode }) => opcode), [TEXT, CLOSE]);
  assert.equal(side.transport.writes.length, 1);
});

bothSides(
  "delayed messages sent in a handler stay buffered after it returns",
  async (_, open) => {
    const side = await open({
      delayedWrite: { maxMessages: 4, maxDelay: 60_000 },
      message: (conn, data) => void conn.sendDelayed(data),
    });
    side.peer.send({ opcode: TEXT, payload: "text 0" }, { opcode: TEXT, payload: "text 1" });
    await nextMacrotask();
    assert.equal(side.transport.writes.length, 0);
    side.peer.send({ opcode: TEXT, payload: "text 2" }, { opcode: TEXT, payload: "text 3" });
    await nextMacrotask();
    assert.equal(side.transport.writes.length, 1);
    assert.deepEqual(side.peer.payloads, numbered(4));
  },
);

bothSides("flushes delayed messages when they fill the cork buffer", async (_, open) => {
  const side = await open({
    delayedWrite: { maxMessages: 1000, maxDelay: 60_000, bufferSize: 16 },
  });
  for (let i = 0; i < 100; i++) side.conn.sendDelayed("x".repeat(1000));
  await nextMacrotask();
  assert.ok(side.transport.writes.length >= 1);
  assert.ok(side.conn.bufferedAmount < 100_000);
});

bothSides("drops a delayed message on a closed connection", async (t, open) => {
  const { conn } = await open({ delayedWrite: { maxDelay: 10 } });
  conn.sendDelayed("lost");
  conn.terminate();
  assert.equal(conn.sendDelayed("one"), false);
  await conn.closed;
  assert.equal(conn.sendDelayed("two"), false);
  await t.end();
});

bothSides("delivers messages of every send method once and in order", async (_, open) => {
  const random = new Random(41);
  const options = { delayedWrite: { maxMessages: 3, maxDelay: 10 }, highWaterMark: 1 << 20 };
  const sides = [await open(options), await open(options), await open(options)];
  const sent: string[][] = sides.map(() => []);
  const padding = "x".repeat(90_000);
  for (let i = 0; i < 600; i++) {
    const at = random.below(3);
    const { conn, transport } = sides[at];
    const text = `${i}${padding.slice(0, random.pick([0, 0, 0, 100, 5000, 70_000]))}`;
    const ways = [
      () => conn.send(text),
      () => conn.sendDelayed(text),
      () => conn.sendPrepared(prepareMessage(text)),
      () => conn.cork(() => void conn.send(text)),
    ];
    sent[at].push(text);
    random.pick(ways)();
    if (random.below(10) === 0) await nextMacrotask();
    if (random.below(20) === 0) transport.blocked = true;
    if (random.below(10) === 0) transport.unblock();
  }
  for (const [at, { conn, peer, transport }] of sides.entries()) {
    transport.unblock();
    conn.send("end");
    await peer.framesOf(sent[at].length + 1);
    const received = peer.payloads;
    assert.ok(received.slice(0, -1).every((text, i) => text === sent[at][i]));
    assert.equal(received.at(-1), "end");
    assert.equal(received.length, sent[at].length + 1);
  }
});

bothSides(
  "does not modify memory that the transport writes later",
  async (_, open) => {
    const sides = [await open(), await open()];
    for (const { transport } of sides) transport.writesLater = true;
    for (let i = 0; i < 20; i++) {
      for (const { conn } of sides) conn.send(`text ${i}`);
      if (i % 3 === 0) await nextMacrotask();
      if (i % 5 === 0) { for (const { transport } of sides) transport.acknowledge(); }
    }
    for (const { peer, transport } of sides) {
      await nextMacrotask();
      while (peer.frames.length < 20) {
        transport.acknowledge();
        await nextMacrotask();
      }
      assert.deepEqual(peer.payloads, numbered(20));
    }
  },
);
