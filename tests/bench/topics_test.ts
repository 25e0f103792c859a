// Runs the topic benchmarks with every participant at a small size. The speed is meaningless, but
// no message may be lost, duplicated or reordered.

import assert from "node:assert/strict";
import { fleetLabel, FLEETS, type FleetWorkload } from "../../bench/catalog/fleet.ts";
import { labelOf, PARTICIPANTS, takesPart } from "../../bench/catalog/participants.ts";
import type { Workload } from "../../bench/catalog/workloads.ts";
import { findGenerator, nodeGenerator } from "../../bench/load/generator.ts";
import { runFleetWorkload } from "../../bench/run/fleet.ts";
import { measure } from "../../bench/run/measure.ts";
import { brokerPrograms } from "../support/brokers.ts";
import { need } from "../support/need.ts";

const PUBLISH: Workload = { kind: "publish", connections: 20, payload: 128, depth: 1, burst: 3 };
const PACED: FleetWorkload = { connections: 12, publishers: 2, depth: 0, rate: 200 };
const SATURATED: FleetWorkload = { connections: 12, publishers: 2, depth: 2, rate: 0 };
const TIMING = { warmUp: 50, duration: 50 };
/** Two nodes, so that half of the messages pass through the broker. */
const EFFORT = { nodes: 2, rounds: 1, seconds: 0.2, warmUp: 0.05 };

/** Excludes participants with a separate installation, which may need a newer C library. */
const present = PARTICIPANTS.filter((each) =>
  takesPart(each, PUBLISH) && each.installs === undefined
);

for (const participant of present) {
  Deno.test(`${labelOf(participant)} publishes to all connections at the requested rate`, async () => {
    const { messages } = await measure(participant, PUBLISH, findGenerator(), TIMING);
    assert.ok(messages > 0);
  });
}

Deno.test("the generator on Node also counts published messages", async () => {
  const [quickws] = PARTICIPANTS;
  const { messages, lost } = await measure(quickws!, PUBLISH, nodeGenerator, TIMING);
  assert.ok(messages > 0);
  assert.equal(lost, 0);
});

const testFleet = need(...brokerPrograms);

/**
 * Fleets that differ from tested ones only in their sockets, or in the missing history. The
 * saturating load tests the first.
 */
const OMITTED = [
  "node quickws, redis",
  "node quickws, nats",
  "bun quickws, redis",
  "deno quickws, nats",
];

for (const fleet of FLEETS) {
  if (OMITTED.includes(fleetLabel(fleet))) continue;
  testFleet(
    `the nodes of ${fleetLabel(fleet)} deliver each message of a paced load once`,
    async () => {
      const [entry] = await runFleetWorkload([fleet], PACED, findGenerator(), EFFORT);
      assert.equal(entry!.failure, undefined);
      const { rate } = entry!.figures;
      assert.ok(rate! > 0 && rate! < 2 * PACED.rate * PACED.connections);
    },
  );
}

testFleet("saturated nodes deliver each message once", async () => {
  const [entry] = await runFleetWorkload([FLEETS[0]!], SATURATED, findGenerator(), EFFORT);
  assert.equal(entry!.failure, undefined);
  assert.ok(entry!.figures.rate! > 0);
});
