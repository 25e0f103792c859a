// A numbered topic under random events: the messages of each receiver are compared with the
// published ones. No receiver may get a message twice, out of order, or miss one without a report.

import assert from "node:assert/strict";
import { Random } from "../support/random.ts";
import { type Chances, TopicSimulation } from "../support/topic_simulation.ts";

const RUNS = 60;
const STEPS = 400;

const CALM: Chances = {
  lost: 0,
  twice: 0,
  failedReads: 0,
  repeated: 0,
  outages: 0,
  kept: Infinity,
  maxHeld: Infinity,
  pageSize: Infinity,
  maxReplay: Infinity,
  slow: 0,
};

const MIXES: readonly [what: string, chances: Chances, misses: boolean][] = [
  ["no faults", CALM, false],
  ["lost or duplicate messages", { ...CALM, lost: 20, twice: 20 }, false],
  ["broker outages", { ...CALM, outages: 20, lost: 5 }, false],
  ["messages are appended again", { ...CALM, lost: 10, repeated: 20, outages: 10 }, false],
  ["little is kept", { ...CALM, outages: 10, lost: 10, kept: 5, repeated: 5 }, true],
  ["one message is kept", { ...CALM, outages: 10, lost: 10, kept: 1 }, true],
  ["reads fail", { ...CALM, outages: 10, lost: 10, failedReads: 30, repeated: 5 }, true],
  ["pages are small", { ...CALM, outages: 10, lost: 10, repeated: 10, pageSize: 2 }, false],
  [
    "receivers are slow",
    { ...CALM, outages: 10, lost: 10, repeated: 10, pageSize: 3, slow: 50 },
    false,
  ],
  [
    "replays are limited",
    { ...CALM, outages: 10, lost: 10, repeated: 10, pageSize: 3, slow: 50, maxReplay: 30 },
    true,
  ],
  [
    "little is held",
    { ...CALM, outages: 10, lost: 10, failedReads: 10, maxHeld: 3, kept: 20 },
    true,
  ],
];

for (const [what, chances, misses] of MIXES) {
  Deno.test(`delivers each message once and in order or reports a gap: ${what}`, () => {
    let got = 0;
    let missed = 0;
    for (let seed = 1; seed <= RUNS; seed++) {
      const simulation = new TopicSimulation(new Random(seed * 7919), chances);
      try {
        for (let i = 0; i < STEPS; i++) simulation.step();
        simulation.settle();
      } catch (error) {
        throw new Error(`with the seed ${seed * 7919}`, { cause: error });
      }
      got += simulation.got;
      missed += simulation.misses;
    }
    assert.ok(got > 100 * RUNS, `${got} messages`);
    assert.equal(missed > 0, misses, `${missed} signs`);
  });
}
