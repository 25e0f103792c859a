// What is sent at once, what waits, and what is dropped.

import assert from "node:assert/strict";
import { ReconnectingSender } from "../../src/reconnect/reconnecting_sender.ts";
import { quiet, socketTest } from "../support/socket_harness.ts";

socketTest("messages wait for a connection, and those sent on it go first", async (t) => {
  const sender = new ReconnectingSender(1000, false);
  assert.equal(sender.isOpen, false);
  assert.equal(sender.send("waits", undefined), true);
  assert.equal(sender.ping(new Uint8Array(0)), false);
  const { conn, peer } = await t.reach();
  sender.opened(conn);
  assert.equal(sender.isOpen, true);
  assert.equal(sender.send("at once", undefined), true);
  sender.takeUp();
  assert.equal(sender.ping(Uint8Array.of(0x70)), true);
  await quiet();
  assert.deepEqual(peer.payloads, ["at once", "waits", "p"]);
  assert.equal(sender.bufferedAmount, 0);
  sender.closed();
  assert.equal(sender.send("waits", undefined), true);
  assert.equal(sender.bufferedAmount, 37);
});

socketTest("with lines, all but requests have an empty one in front", async (t) => {
  const sender = new ReconnectingSender(1000, true);
  sender.send("one", undefined);
  const { conn, peer } = await t.reach();
  sender.opened(conn);
  sender.takeUp();
  sender.send(Uint8Array.of(0x32), undefined);
  await quiet();
  assert.deepEqual(peer.payloads, ["\none", "\n2"]);
});

socketTest("what waits stays when the connection ends meanwhile", async (t) => {
  const sender = new ReconnectingSender(1000, false);
  sender.send("one", undefined);
  const { conn } = await t.reach();
  sender.opened(conn);
  conn.terminate();
  sender.takeUp();
  assert.equal(sender.isOpen, false);
  assert.equal(sender.send("two", undefined), true);
  assert.equal(sender.bufferedAmount, 70);
});

socketTest(
  "drained waits for the next connection, however often one is lost, or for the end",
  async (t) => {
    const sender = new ReconnectingSender(1000, false);
    let drained = 0;
    const count = (): void => void drained++;
    sender.drained().then(count);
    for (let round = 0; round < 2; round++) {
      const { conn } = await t.reach({ highWaterMark: 1 });
      sender.opened(conn);
      sender.drained().then(count);
      conn.terminate();
      sender.closed();
      await quiet();
    }
    assert.equal(drained, 0);
    const { conn } = await t.reach();
    sender.opened(conn);
    sender.takeUp();
    await quiet();
    assert.equal(drained, 3);
    sender.closed();
    sender.drained().then(count);
    sender.end();
    await quiet();
    assert.equal(drained, 4);
    await sender.drained();
  },
);

socketTest("after the end everything is dropped", async () => {
  const sender = new ReconnectingSender(1000, false);
  sender.send("one", undefined);
  sender.end();
  assert.equal(sender.bufferedAmount, 0);
  assert.equal(sender.send("two", undefined), false);
  await quiet();
});
