// Long pauses with more unread input than the initial read-ahead. The connection still detects its
// end, and delivers all messages if it is resumed before a timeout.

import assert from "node:assert/strict";
import { Simulation, type SimulationPlan, type Step } from "../fuzz/connection_simulation.ts";

const PLAN: SimulationPlan = {
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
    await using simulation = new Simulation(PLAN);
    await simulation.open();
    for (const step of [{ user: "pause" }, UNREAD, { peer }] as const) await simulation.step(step);
    await simulation.pass(120_000);
    assert.equal(simulation.closes.length, 1);
    assert.equal(simulation.closes[0].clean, false);
  });
}

Deno.test("a peer that answers pings stays connected during a long pause and loses no messages", async () => {
  await using simulation = new Simulation(PLAN);
  await simulation.open();
  for (const step of [{ user: "pause" }, UNREAD] as const) await simulation.step(step);
  await simulation.pass(120_000);
  assert.equal(simulation.messages, 0);
  await simulation.step({ user: "resume" });
  await simulation.pass(100);
  assert.equal(simulation.messages, 5);
  assert.equal(simulation.conn.readyState, "open");
});
