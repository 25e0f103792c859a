// Long pauses with more unread input than the initial read-ahead. The connection still detects its
// end, and delivers all messages if it is resumed before a timeout.

import assert from "node:assert/strict";
import { type Step, World, type WorldPlan } from "../fuzz/promise_world.ts";

const PLAN: WorldPlan = {
  side: "server",
  reading: "handler",
  options: { unreadTimeout: 10_000, pingInterval: 3000, pongTimeout: 3000 },
  writesLater: false,
  readsAhead: false,
  faults: {},
  onErrorFails: "no",
};

const UNREAD: Step = { peer: "message", size: 70_000, count: 5 };

for (const peer of ["fin", "silent", "part"] as const) {
  Deno.test(`a paused connection with much unread input detects its end (${peer})`, async () => {
    await using world = new World(PLAN);
    await world.open();
    for (const step of [{ user: "pause" }, UNREAD, { peer }] as const) await world.step(step);
    await world.pass(120_000);
    assert.equal(world.closes.length, 1);
    assert.equal(world.closes[0].clean, false);
  });
}

Deno.test("a peer that answers pings stays connected during a long pause and loses no messages", async () => {
  await using world = new World(PLAN);
  await world.open();
  for (const step of [{ user: "pause" }, UNREAD] as const) await world.step(step);
  await world.pass(120_000);
  assert.equal(world.messages, 0);
  await world.step({ user: "resume" });
  await world.pass(100);
  assert.equal(world.messages, 5);
  assert.equal(world.conn.readyState, "open");
});
