// Peers that are gone: silence, unanswered pings, output that does not move. All waiting is for what
// has to happen; how long it took is not looked at.

import assert from "node:assert/strict";
import { TimeoutError } from "../../src/errors.ts";
import type { Connection } from "../../src/connection/connection.ts";
import { timers } from "../../src/shared/timer_wheel.ts";
import { bothSides, quiet } from "../support/socket_harness.ts";
import { CONTINUATION, PING, PONG, TEXT } from "../support/vectors.ts";

/** The close of a connection whose peer is dead. */
async function assertGone(
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

/** Waits behind every timer that is due earlier: what they do has been done then. */
async function longer(than: number): Promise<void> {
  const end = Promise.withResolvers<void>();
  timers.start(than, { timerFired: () => end.resolve() }, 0);
  await end.promise;
}

bothSides("without options there are no pings and no timers", async (_, open) => {
  const { transport } = await open();
  assert.equal(timers.size, 0);
  await quiet();
  assert.equal(transport.writes.length, 0);
});

bothSides("pingInterval sends one empty ping after another", async (_, open) => {
  const { peer } = await open({ pingInterval: 20 });
  const frames = await peer.framesOf(3);
  assert.ok(frames.every(({ opcode, payload }) => opcode === PING && payload.length === 0));
});

bothSides("a peer that answers pings is not gone", async (_, open) => {
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

bothSides("a peer that sends anything after a ping is not gone", async (_, open) => {
  const { conn, peer } = await open({ pingInterval: 20, pongTimeout: 20, message: () => {} });
  for (let count = 1; count <= 5; count++) {
    await peer.framesOf(count);
    peer.send({ opcode: TEXT, payload: "busy" });
  }
  assert.equal(conn.readyState, "open");
});

bothSides("a ping that stays without any answer ends the connection: PONG_TIMEOUT", async (
  _,
  open,
) => {
  const { conn, peer } = await open({ pingInterval: 20, pongTimeout: 30 });
  await assertGone(conn, "PONG_TIMEOUT", /did not answer a ping within 30 ms/);
  assert.ok(peer.frames.length >= 1);
  assert.equal(timers.size, 0);
});

bothSides("a peer that falls silent later is found as well", async (_, open) => {
  const { conn, peer } = await open({ pingInterval: 20, pongTimeout: 20 });
  for (let count = 1; count <= 2; count++) {
    await peer.framesOf(count);
    peer.send({ opcode: PONG });
  }
  await assertGone(conn, "PONG_TIMEOUT", /within 20 ms/);
});

bothSides("a pongTimeout longer than the interval is not put off by later pings", async (
  _,
  open,
) => {
  const { conn, peer } = await open({ pingInterval: 20, pongTimeout: 70 });
  await assertGone(conn, "PONG_TIMEOUT", /within 70 ms/);
  assert.ok(peer.frames.every(({ opcode }) => opcode === PING));
});

bothSides("silence ends the connection: READ_TIMEOUT", async (_, open) => {
  const { conn } = await open({ readTimeout: 40 });
  await assertGone(conn, "READ_TIMEOUT", /sent nothing for 40 ms/);
  assert.equal(timers.size, 0);
});

bothSides("bytes that are no whole frame break the silence, too", async (_, open) => {
  const { conn, peer } = await open({ readTimeout: 60, message: (conn) => conn.close() });
  const frame = peer.encode({ opcode: TEXT, payload: "slowly" });
  for (const byte of frame) {
    peer.send(Uint8Array.of(byte));
    await longer(20);
    if (conn.readyState !== "open") break;
  }
  assert.equal(conn.readyState, "closing", "the message came whole");
});

bothSides("what we send ourselves does not break the peer's silence", async (_, open) => {
  const { conn } = await open({ readTimeout: 40, pingInterval: 20 });
  await assertGone(conn, "READ_TIMEOUT", /sent nothing/);
});

for (
  const [options, code] of [
    [{ readTimeout: 20 }, "READ_TIMEOUT"],
    [{ pingInterval: 20, pongTimeout: 20 }, "PONG_TIMEOUT"],
  ] as const
) {
  bothSides(`a peer that is not read cannot be heard: no ${code} while paused`, async (_, open) => {
    const { conn, peer } = await open(options);
    conn.pause();
    peer.send({ opcode: TEXT, payload: "not read" });
    await longer(80);
    assert.equal(conn.readyState, "open");
    conn.resume();
    await assertGone(conn, code, /20 ms/);
  });
}

bothSides("output that does not move ends the connection: WRITE_TIMEOUT", async (_, open) => {
  const { conn, transport } = await open({ writeTimeout: 40 });
  transport.blocked = true;
  conn.send("stuck");
  await assertGone(conn, "WRITE_TIMEOUT", /read nothing for 40 ms/);
  assert.equal(timers.size, 0);
});

bothSides("nothing to write is no stuck output", async (_, open) => {
  const { conn, peer } = await open({ writeTimeout: 20 });
  conn.send("gone at once");
  await longer(60);
  assert.equal(conn.readyState, "open");
  await peer.framesOf(1);
});

bothSides("output that moves is not stuck, though as much as before waits each time", async (
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
    // One write leaves and the next, of the same size, is refused.
    transport.letThrough();
  }
  assert.equal(conn.readyState, "open");
  assert.ok(peer.frames.length >= 10);
});

bothSides("messages that pile up behind a write that is stuck are no progress", async (_, open) => {
  const { conn, transport } = await open({ writeTimeout: 40 });
  transport.blocked = true;
  let sent = 0;
  while (conn.readyState === "open" && sent < 1000) {
    conn.send("more");
    sent++;
    await longer(1);
  }
  await assertGone(conn, "WRITE_TIMEOUT", /read nothing/);
});

bothSides("a message that never completes closes the connection: MESSAGE_TIMEOUT", async (
  _,
  open,
) => {
  const { conn, peer } = await open({ messageTimeout: 60, message: () => {} });
  peer.send({ opcode: TEXT, fin: false });
  while (conn.readyState === "open") {
    peer.send({ opcode: CONTINUATION, fin: false, payload: "." });
    await longer(5);
  }
  await assertGone(conn, "MESSAGE_TIMEOUT", /not complete within 60 ms/);
  assert.equal(timers.size, 0);
});

bothSides("consecutive messages are in time, though one is always partial", async (
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
  await assertGone(conn, "MESSAGE_TIMEOUT", /within 20 ms/);
});

bothSides(
  "all of them together leave no timer behind when the connection ends",
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
