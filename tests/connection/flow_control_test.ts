// Outbound backpressure: the result of send, drain calls, and disconnecting a slow consumer.

import assert from "node:assert/strict";
import type { Connection } from "../../src/connection/connection.ts";
import { prepareMessage } from "../../src/connection/arguments.ts";
import {
  bothSides,
  type CommonOptions,
  nextMacrotask,
  socketTest,
} from "../support/socket_harness.ts";
import { PING, PONG, TEXT } from "../support/vectors.ts";

const KILOBYTE = new Uint8Array(1000);

/** Each send method, with a payload of 1000 bytes. */
const WAYS: readonly [name: string, send: (conn: Connection<undefined>) => boolean][] = [
  ["send", (conn) => conn.send(KILOBYTE)],
  ["send of a string", (conn) => conn.send("x".repeat(1000))],
  ["sendUtf8", (conn) => conn.sendUtf8(KILOBYTE)],
  ["sendPrepared", (conn) => conn.sendPrepared(prepareMessage(KILOBYTE))],
  ["sendDelayed", (conn) => conn.sendDelayed(KILOBYTE)],
];

for (const [name, send] of WAYS) {
  bothSides(`${name} returns false above highWaterMark and accepts the message`, async (
    _,
    open,
  ) => {
    const { conn, peer, transport } = await open({ highWaterMark: 5000 });
    transport.blocked = true;
    const answers = Array.from({ length: 6 }, () => send(conn));
    assert.deepEqual(answers, [true, true, true, true, false, false]);
    await nextMacrotask();
    assert.equal(send(conn), false);
    assert.ok(conn.bufferedAmount > 7000 && conn.bufferedAmount < 7200, `${conn.bufferedAmount}`);
    assert.equal(conn.readyState, "open");
    transport.unblock();
    await peer.framesOf(7);
    assert.equal(conn.bufferedAmount, 0);
    assert.equal(send(conn), true);
    await peer.framesOf(name === "sendDelayed" ? 7 : 8);
  });
}

bothSides("send in a cork returns true if the transport accepts the output", async (_, open) => {
  const { conn, transport } = await open({ highWaterMark: 70_000 });
  const send = (): boolean => conn.send(new Uint8Array(40_000));
  conn.cork(() => assert.deepEqual(Array.from({ length: 4 }, send), [true, true, true, true]));
  transport.blocked = true;
  conn.cork(() => assert.deepEqual(Array.from({ length: 4 }, send), [true, false, false, false]));
});

bothSides("ping returns false above highWaterMark", async (_, open) => {
  const { conn, transport } = await open({ highWaterMark: 500 });
  transport.blocked = true;
  assert.equal(conn.ping(), true);
  conn.send(KILOBYTE);
  assert.equal(conn.ping(), false);
  assert.equal(conn.pong(), false);
});

bothSides(
  "calls drain once when buffered output drains, even if send returned false repeatedly",
  async (
    _,
    open,
  ) => {
    const log: number[] = [];
    const { conn, transport } = await open({
      highWaterMark: 500,
      drain: (conn) => void log.push(conn.bufferedAmount),
    });
    transport.blocked = true;
    for (let i = 0; i < 5; i++) conn.send(KILOBYTE);
    await nextMacrotask();
    assert.deepEqual(log, []);
    transport.unblock();
    await nextMacrotask();
    assert.deepEqual(log, [0]);
  },
);

bothSides("does not call drain if send never returned false", async (_, open) => {
  let drains = 0;
  const { conn, transport } = await open({ drain: () => void drains++ });
  transport.blocked = true;
  for (let i = 0; i < 5; i++) assert.equal(conn.send(KILOBYTE), true);
  await nextMacrotask();
  transport.unblock();
  await nextMacrotask();
  assert.equal(drains, 0);
});

bothSides("calls drain once for each time the buffer fills up", async (_, open) => {
  let drains = 0;
  const { conn, transport } = await open({ highWaterMark: 500, drain: () => void drains++ });
  for (let i = 1; i <= 3; i++) {
    transport.blocked = true;
    assert.equal(conn.send(KILOBYTE), false);
    await nextMacrotask();
    transport.unblock();
    await nextMacrotask();
    assert.equal(drains, i);
  }
});

bothSides("a message above highWaterMark triggers drain even if it is written immediately", async (
  _,
  open,
) => {
  let drains = 0;
  const { conn } = await open({ highWaterMark: 500, drain: () => void drains++ });
  assert.equal(conn.send(KILOBYTE), false);
  await nextMacrotask();
  assert.equal(drains, 1);
});

bothSides(
  "a producer driven by drain alone never stalls, with or without backpressure",
  async (
    _,
    open,
  ) => {
    let left = 50;
    const produce = (conn: Connection<undefined>): void => {
      while (left > 0) {
        left--;
        if (!conn.send(KILOBYTE)) return;
      }
    };
    const { conn, peer, transport } = await open({ highWaterMark: 3000, drain: produce });
    produce(conn);
    for (let i = 0; i < 30 && left > 0; i++) {
      transport.blocked = i % 3 === 0;
      await nextMacrotask();
      transport.unblock();
    }
    assert.equal((await peer.framesOf(50)).length, 50);
    assert.equal(left, 0);
  },
);

bothSides("an endless producer does not starve the event loop", async (_, open) => {
  let drains = 0;
  let others = false;
  const { conn } = await open({
    highWaterMark: 500,
    drain: (conn) => {
      if (++drains < 5000 && !others) conn.send(KILOBYTE);
    },
  });
  conn.send(KILOBYTE);
  await nextMacrotask();
  others = true;
  assert.ok(drains < 5000, "the producer finished before any other task");
});

bothSides("handler calls do not overlap: no drain inside a message handler", async (
  _,
  open,
) => {
  const log: string[] = [];
  const { peer } = await open({
    highWaterMark: 1000,
    message: (conn) => {
      log.push("message");
      conn.send(new Uint8Array(65_000));
      conn.send(new Uint8Array(800));
      conn.cork(() => {});
      log.push("message done");
    },
    drain: () => void log.push("drain"),
  });
  peer.send({ opcode: TEXT });
  await nextMacrotask();
  assert.deepEqual(log, ["message", "message done", "drain"]);
});

bothSides("drained() resolves when buffered output drains, immediately if it is low", async (
  _,
  open,
) => {
  const { conn, transport } = await open({ highWaterMark: 500 });
  await conn.drained();
  transport.blocked = true;
  conn.send(KILOBYTE);
  let resolved = 0;
  const waiting = [conn.drained(), conn.drained()].map((drained) => drained.then(() => resolved++));
  await nextMacrotask();
  assert.equal(resolved, 0);
  transport.unblock();
  await Promise.all(waiting);
  assert.ok(conn.bufferedAmount <= 500);
});

bothSides("drained() resolves when the connection ends", async (_, open) => {
  const { conn, peer, transport } = await open({ highWaterMark: 500 });
  transport.blocked = true;
  conn.send(KILOBYTE);
  const drained = conn.drained();
  peer.transport.destroy();
  await drained;
  await conn.closed;
  await conn.drained();
});

bothSides("a loop over send and drained() sends everything and buffers little", async (_, open) => {
  const { conn, peer, transport } = await open({ highWaterMark: 5000 });
  peer.transport.capacity = 0;
  let most = 0;
  for (let i = 0; i < 200; i++) {
    if (!conn.send(KILOBYTE)) await conn.drained();
    most = Math.max(most, conn.bufferedAmount);
  }
  await peer.framesOf(200);
  assert.ok(most < 7000, `${most} bytes were buffered`);
  assert.ok(transport.writes.length > 10);
});

/** Asserts that a slow consumer is disconnected. */
async function assertDisconnected(conn: Connection<undefined>): Promise<void> {
  const { error, ...info } = await conn.closed;
  assert.deepEqual(info, {
    code: 1006,
    reason: info.reason,
    clean: false,
    initiator: "local",
    sent: undefined,
    received: undefined,
  });
  assert.match(
    error!.message,
    /reads too slowly: \d+ bytes are waiting, maxBufferedAmount is 10000$/,
  );
  assert.equal((error as { code?: string }).code, "SLOW_CONSUMER");
}

const SLOW: CommonOptions = { highWaterMark: 5000, maxBufferedAmount: 10_000 };

for (const [name, send] of WAYS) {
  bothSides(
    `${name} above maxBufferedAmount disconnects with 1006`,
    async (_, open) => {
      const { conn, transport } = await open(SLOW);
      transport.blocked = true;
      for (let i = 0; i < 9; i++) send(conn);
      assert.equal(conn.readyState, "open");
      for (let i = 0; i < 3; i++) assert.equal(send(conn), false);
      assert.notEqual(conn.readyState, "open");
      await assertDisconnected(conn);
      assert.equal(transport.isClosed, true);
    },
  );
}

bothSides("a slow consumer disconnected inside a handler gets no drain event", async (
  _,
  open,
) => {
  let drains = 0;
  const { conn, peer, transport } = await open({
    ...SLOW,
    message: (conn) => {
      for (let i = 0; i < 20; i++) conn.send(KILOBYTE);
    },
    drain: () => void drains++,
  });
  transport.blocked = true;
  peer.send({ opcode: TEXT });
  await assertDisconnected(conn);
  assert.equal(drains, 0);
});

socketTest("a slow consumer affects no other connection", async (t) => {
  const server = await t.serve(SLOW);
  const [slow, fast] = [await t.connect(server.url), await t.connect(server.url)];
  const [toSlow] = t.network.accepted;
  toSlow.blocked = true;
  const reader = fast[Symbol.asyncIterator]();
  for (let i = 0; i < 50; i++) {
    server.broadcast(KILOBYTE);
    assert.equal((await reader.next()).done, false);
  }
  assert.equal(server.connections, 1);
  assert.equal(fast.readyState, "open");
  assert.equal((await slow.closed).code, 1006);
});

bothSides("pings from a peer that does not read use little memory", async (_, open) => {
  const { conn, peer, transport } = await open();
  transport.blocked = true;
  for (let i = 0; i < 200; i++) {
    peer.send(...Array(50).fill({ opcode: PING, payload: new Uint8Array(125) }));
    await nextMacrotask();
  }
  assert.ok(conn.bufferedAmount < 150 * 70, `${conn.bufferedAmount} bytes are buffered`);
  transport.unblock();
  await nextMacrotask();
  assert.ok(peer.frames.every(({ opcode }) => opcode === PONG));
  assert.equal(conn.bufferedAmount, 0);
});
