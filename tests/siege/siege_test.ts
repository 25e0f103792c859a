// A short form of the siege, on each runtime; `deno task siege` is the long one. Only the long form
// measures times. Here, no honest connection may be closed, the server must survive, and its memory
// must stay bounded.

import assert from "node:assert/strict";
import { runtimeNames } from "../support/runtimes.ts";
import { testAtOnce } from "../support/steps_at_once.ts";
import type { ServerKind } from "./servers.ts";
import { type AttackName, siege } from "./siege.ts";

const CLIENTS = 20;

/**
 * The minimum duration of an attack in seconds: each honest client sends twice. An attack continues
 * until it was carried out in full. In `deno task siege`, the minimum is 3 seconds.
 */
const SECONDS = 0.25;

/** Scales the number of connections in attacks with many connections. */
const SCALE = 0.25;

/** The default `memoryLimit`, plus the memory of the runtime itself. */
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
  ["defaults", "many-bombs"],
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
        assert.ok(figures.attack.isComplete, JSON.stringify(figures.attack));
        assert.equal(figures.errors, "");
        assert.ok(figures.survived, "the server has exited");
        assert.equal(figures.closed, 0, "the number of closed honest connections");
        assert.ok(figures.echoes >= CLIENTS, `${figures.echoes} echoes`);
        assert.ok(figures.peakMemory < MOST_MEMORY, `${figures.peakMemory} bytes`);
      });
    }
  }]),
);
