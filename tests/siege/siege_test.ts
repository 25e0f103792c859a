// The short form of the siege, on each runtime; the long one is `deno task siege`. Only the long
// form measures times: here no honest connection may be closed, the server must survive, and its
// memory must stay bounded.

import assert from "node:assert/strict";
import { runtimeNames } from "../support/runtimes.ts";
import { testAtOnce } from "../support/steps_at_once.ts";
import type { ServerKind } from "./servers.ts";
import { type AttackName, siege } from "./siege.ts";

const CLIENTS = 20;

/**
 * The minimum duration of an attack in seconds, in which each honest client sends twice. The attack lasts
 * until it has had its effect, and 3 seconds in `deno task siege`.
 */
const SECONDS = 0.25;

/** The part of the connections of a large attack. */
const SCALE = 0.25;

/** The `memoryLimit` of the defaults, and the memory of the runtime itself. */
const MOST_MEMORY = 1.5 * (1 << 30);

const sieges: [ServerKind, AttackName][] = [
  ["page", "small-frames"],
  ["page", "unfinished"],
  ["page", "slow-readers"],
  ["page", "handshakes"],
  ["page", "connections"],
  ["page", "slow-tls"],
  ["page", "replays"],
  ["defaults", "bombs"],
  ["defaults", "crowd-bombs"],
  ["defaults", "empty-blocks"],
  ["defaults", "unread-bombs"],
  ["defaults", "gone-clients"],
];

testAtOnce(
  "legitimate clients stay connected under attack",
  runtimeNames.length,
  runtimeNames.map((runtime) => [`on ${runtime}`, async (t) => {
    for (const [kind, attack] of sieges) {
      await t.step(`${attack}, ${kind}`, async () => {
        const figures = await siege({
          runtime,
          kind,
          attack,
          seconds: SECONDS,
          clients: CLIENTS,
          attackers: 2,
          scale: SCALE,
        });
        assert.ok(figures.attack.isWhole, JSON.stringify(figures.attack));
        assert.equal(figures.errors, "");
        assert.ok(figures.survived, "the server has ended");
        assert.equal(figures.closed, 0, "honest connections that were closed");
        assert.ok(figures.echoes >= CLIENTS, `${figures.echoes} echoes`);
        assert.ok(figures.peakMemory < MOST_MEMORY, `${figures.peakMemory} bytes`);
      });
    }
  }]),
);
