// Dead-peer detection: silence, unanswered pings and stalled output. The tests wait for events
// instead of measuring durations.

import assert from "node:assert/strict";
import { TimeoutError } from "../../src/errors.ts";
import type { Connection } from "../../src/connection/connection.ts";
import { timers } from "../../src/shared/timer_wheel.ts";
import { bothSides, nextMacrotask } from "../support/socket_harness.ts";
import { CONTINUATION, PING, PONG, TEXT } from "../support/vectors.ts";

/** Asserts that a connection ends because its peer is dead. */
async function assertDisconnected(
  conn: Connection<undefined>,
  code: string,
  message: RegExp,
): Promise<void> {
  const { error, ...info } = await conn.closed;
  assert.ok(error instanceof TimeoutError);
  assert.equal(error.code, code);
  assert.match(error.message, message);
  assert.deepEqual([info.code, info.clean, info.initiator], [1006, false, "local"]);
}

/** Waits `than` ms on the same clock, so that all timers due earlier have fired. */
async function longer(than: number): Promise<void> {
  const end = Promise.withResolvers<void>();
  timers.start(than, { timerFired: () => end.resolve() }, 0);
  await end.promise;
}

bothSides("sends no pings and starts no timers without options", async (_, open) => {
  const { transport } = await open();
  assert.equal(timers.size, 0);
  await nextMacrotask();
  assert.equal(transport.writes.length, 0);
});

bothSides("pingInterval sends empty pings repeatedly", async (_, open) => {
  const { peer } = await open({ pingInterval: 20 });
  const frames = await peer.framesOf(3);
  assert.ok(frames.every(({ opcode, payload }) => opcode === PING && payload.length === 0));
});

bothSides("a peer that answers pings stays connected", async (_, open) => {
  const pongs: unknown[] = [];
  const { conn, peer } = await open({
    pingInterval: 20,
    pongTimeout: 20,
    pong: (_, payload) => void pongs.push(payload.length),
  });
  for (let count = 1; count <= 5; count++) {
    await peer.framesOf(count);
    peer.send({ opcode: PONG });
  }
  assert.equal(conn.readyState, "open");
  assert.ok(pongs.length >= 4);
});

bothSides("a peer that sends any frame after a ping stays connected", async (_, open) => {
  const { conn, peer } = await open({ pingInterval: 20, pongTimeout: 20, message: () => {} });
  for (let count = 1; count <= 5; count++) {
    await peer.framesOf(count);
    peer.send({ opcode: TEXT, payload: "busy" });
  }
  assert.equal(conn.readyState, "open");
});

bothSides("disconnects with PONG_TIMEOUT on an unanswered ping", async (
  _,
  open,
) => {
  const { conn, peer } = await open({ pingInterval: 20, pongTimeout: 30 });
  await assertDisconnected(conn, "PONG_TIMEOUT", /did not answer a ping within 30 ms/);
  assert.ok(peer.frames.length >= 1);
  assert.equal(timers.size, 0);
});

bothSides("detects a peer that stops answering later", async (_, open) => {
  const { conn, peer } = await open({ pingInterval: 20, pongTimeout: 20 });
  for (let count = 1; count <= 2; count++) {
    await peer.framesOf(count);
    peer.send({ opcode: PONG });
  }
  await assertDisconnected(conn, "PONG_TIMEOUT", /within 20 ms/);
});

bothSides("later pings do not restart a pongTimeout longer than pingInterval", async (
  _,
  open,
) => {
  const { conn, peer } = await open({ pingInterval: 20, pongTimeout: 70 });
  await assertDisconnected(conn, "PONG_TIMEOUT", /within 70 ms/);
  assert.ok(peer.frames.every(({ opcode }) => opcode === PING));
});

bothSides("disconnects a silent peer with READ_TIMEOUT", async (_, open) => {
  const { conn } = await open({ readTimeout: 40 });
  await assertDisconnected(conn, "READ_TIMEOUT", /sent nothing for 40 ms/);
  assert.equal(timers.size, 0);
});

bothSides("bytes of a partial frame restart readTimeout", async (_, open) => {
  const { conn, peer } = await open({ readTimeout: 60, message: (conn) => conn.close() });
  const frame = peer.encode({ opcode: TEXT, payload: "slowly" });
  for (const byte of frame) {
    peer.send(Uint8Array.of(byte));
    await longer(20);
    if (conn.readyState !== "open") break;
  }
  assert.equal(conn.readyState, "closing", "the message is complete");
});

bothSides("sending does not restart readTimeout", async (_, open) => {
  const { conn } = await open({ readTimeout: 40, pingInterval: 20 });
  await assertDisconnected(conn, "READ_TIMEOUT", /sent nothing/);
});

for (
  const [options, code] of [
    [{ readTimeout: 20 }, "READ_TIMEOUT"],
    [{ pingInterval: 20, pongTimeout: 20 }, "PONG_TIMEOUT"],
  ] as const
) {
  bothSides(`${code} does not fire while reading is paused`, async (_, open) => {
    const { conn, peer } = await open(options);
    conn.pause();
    peer.send({ opcode: TEXT, payload: "not read" });
    await longer(80);
    assert.equal(conn.readyState, "open");
    conn.resume();
    await assertDisconnected(conn, code, /20 ms/);
  });
}

bothSides("disconnects on stalled output with WRITE_TIMEOUT", async (_, open) => {
  const { conn, transport } = await open({ writeTimeout: 40 });
  transport.blocked = true;
  conn.send("stuck");
  await assertDisconnected(conn, "WRITE_TIMEOUT", /read nothing for 40 ms/);
  assert.equal(timers.size, 0);
});

bothSides("writeTimeout does not run without buffered output", async (_, open) => {
  const { conn, peer } = await open({ writeTimeout: 20 });
  conn.send("written immediately");
  await longer(60);
  assert.equal(conn.readyState, "open");
  await peer.framesOf(1);
});

bothSides("progress restarts writeTimeout, even if the buffered size stays the same", async (
  _,
  open,
) => {
  const { conn, peer, transport } = await open({
    writeTimeout: 40,
    highWaterMark: 1000,
    drain: (conn) => void conn.send(new Uint8Array(1000)),
  });
  transport.blocked = true;
  conn.send(new Uint8Array(1000));
  for (let i = 0; i < 12; i++) {
    await longer(1);
    // The transport accepts one write and blocks the next one of the same size.
    transport.deliverPendingWrite();
  }
  assert.equal(conn.readyState, "open");
  assert.ok(peer.frames.length >= 10);
});

bothSides(
  "messages buffered after a stalled write do not restart writeTimeout",
  async (_, open) => {
    const { conn, transport } = await open({ writeTimeout: 40 });
    transport.blocked = true;
    let sent = 0;
    while (conn.readyState === "open" && sent < 1000) {
      conn.send("more");
      sent++;
      await longer(1);
    }
    await assertDisconnected(conn, "WRITE_TIMEOUT", /read nothing/);
  },
);

bothSides("closes with MESSAGE_TIMEOUT on a message that never completes", async (
  _,
  open,
) => {
  const { conn, peer } = await open({ messageTimeout: 60, message: () => {} });
  peer.send({ opcode: TEXT, fin: false });
  while (conn.readyState === "open") {
    peer.send({ opcode: CONTINUATION, fin: false, payload: "." });
    await longer(5);
  }
  await assertDisconnected(conn, "MESSAGE_TIMEOUT", /not complete within 60 ms/);
  assert.equal(timers.size, 0);
});

bothSides("consecutive partial messages do not trigger messageTimeout", async (
  _,
  open,
) => {
  const { conn, peer } = await open({ messageTimeout: 60, message: () => {} });
  peer.send({ opcode: TEXT, fin: false });
  for (let i = 0; i < 20; i++) {
    await longer(10);
    peer.send({ opcode: CONTINUATION }, { opcode: TEXT, fin: false });
  }
  assert.equal(conn.readyState, "open");
});

bothSides("messageTimeout does not run while reading is paused", async (_, open) => {
  const { conn, peer } = await open({ messageTimeout: 20, message: () => {} });
  peer.send({ opcode: TEXT, fin: false });
  conn.pause();
  await longer(80);
  assert.equal(conn.readyState, "open");
  conn.resume();
  await assertDisconnected(conn, "MESSAGE_TIMEOUT", /within 20 ms/);
});

bothSides(
  "cancels all timers when the connection ends",
  async (_, open) => {
    const { conn, peer } = await open({
      pingInterval: 1000,
      pongTimeout: 1000,
      readTimeout: 1000,
      writeTimeout: 1000,
      messageTimeout: 1000,
      delayedWrite: { maxDelay: 1000 },
    });
    conn.sendDelayed("waits");
    assert.ok(timers.size > 0);
    peer.transport.destroy();
    await conn.closed;
    assert.equal(timers.size, 0);
  },
);
