// A short soak test with network faults on each runtime. The long version is `deno task soak`.

import assert from "node:assert/strict";
import type { RuntimeName } from "../support/runtimes.ts";
import { testAtOnce } from "../support/steps_at_once.ts";
import { faultKinds } from "./faults.ts";
import { soak, type SoakPlan } from "./soak.ts";
import type { SocketsKind } from "./soak_server.ts";

/** 5 KiB per connection of each server. */
const HEAP_SLACK = 2 << 20;

function planOf(connections: number): SoakPlan {
  return {
    load: { concurrency: 200, connections, lifetime: 600, gap: 120, readTimeout: 4000 },
    warmUp: { connections: 250 },
    faults: { share: 0.5, longest: 500, kinds: faultKinds },
    seed: 1,
    pingInterval: 500,
    pongTimeout: 2000,
    heapSlack: HEAP_SLACK,
  };
}

/** The sockets of the servers on each runtime, and the number of connections. */
const RUNS: readonly (readonly [RuntimeName, readonly SocketsKind[], number, string])[] = [
  ["deno", ["own", "native"], 800, "over the library's sockets and Deno.serve on deno"],
  ["bun", ["own", "native"], 800, "over the library's sockets and Bun.serve on bun"],
  ["node", ["own"], 500, "over the library's sockets on node"],
];

testAtOnce(
  "network faults lose, duplicate and leak nothing",
  RUNS.length,
  RUNS.map(([runtime, kinds, connections, title]) => [title, async () => {
    const { faults, client } = await soak(runtime, planOf(connections), kinds);
    for (const kind of faultKinds) assert.ok(faults[kind] > 0, `no ${kind} happened`);
    assert.ok(client.messages > 500, `only ${client.messages} messages`);
  }]),
);
