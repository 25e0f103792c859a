// Random events on a numbered topic. No receiver may get a message twice or out of order, or miss a
// message without a gap notice.

import assert from "node:assert/strict";
import { Random } from "../support/random.ts";
import { type Probabilities, TopicSimulation } from "../support/topic_simulation.ts";

const RUNS = 60;
const STEPS = 400;

const CALM: Probabilities = {
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

const MIXES: readonly [what: string, chances: Probabilities, misses: boolean][] = [
  ["no faults", CALM, false],
  ["lost or duplicate messages", { ...CALM, lost: 20, twice: 20 }, false],
  ["broker outages", { ...CALM, outages: 20, lost: 5 }, false],
  ["repeated appends", { ...CALM, lost: 10, repeated: 20, outages: 10 }, false],
  ["a short history", { ...CALM, outages: 10, lost: 10, kept: 5, repeated: 5 }, true],
  ["a history of one message", { ...CALM, outages: 10, lost: 10, kept: 1 }, true],
  ["failed reads", { ...CALM, outages: 10, lost: 10, failedReads: 30, repeated: 5 }, true],
  ["small pages", { ...CALM, outages: 10, lost: 10, repeated: 10, pageSize: 2 }, false],
  [
    "slow receivers",
    { ...CALM, outages: 10, lost: 10, repeated: 10, pageSize: 3, slow: 50 },
    false,
  ],
  [
    "limited replays",
    { ...CALM, outages: 10, lost: 10, repeated: 10, pageSize: 3, slow: 50, maxReplay: 30 },
    true,
  ],
  [
    "a small buffer",
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
        throw new Error(`failed with seed ${seed * 7919}`, { cause: error });
      }
      got += simulation.got;
      missed += simulation.misses;
    }
    assert.ok(got > 100 * RUNS, `${got} messages`);
    assert.equal(missed > 0, misses, `${missed} gap notices`);
  });
}
