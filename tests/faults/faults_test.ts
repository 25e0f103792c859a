// The short form of the load with faults, on each runtime; the long one is `deno task soak`.

import assert from "node:assert/strict";
import { type RuntimeName, runtimeNames } from "../support/runtimes.ts";
import { faultKinds } from "./faults.ts";
import { soak, type SoakPlan } from "./soak.ts";
import type { SocketsKind } from "./soak_server.ts";

const plan: SoakPlan = {
  load: { concurrency: 200, connections: 1200, lifetime: 600, gap: 60, readTimeout: 4000 },
  warmUp: { connections: 400 },
  faults: { share: 0.5, longest: 500, kinds: faultKinds },
  seed: 1,
  pingInterval: 500,
  pongTimeout: 2000,
};

function testSoak(name: string, runtimes: readonly RuntimeName[], sockets: SocketsKind): void {
  Deno.test({
    name,
    // The steps mostly wait, so they run at the same time, which Deno allows only without these checks.
    sanitizeExit: false,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn(t) {
      await Promise.all(runtimes.map((runtime) =>
        t.step(`on ${runtime}`, async () => {
          const { faults, client } = await soak(runtime, plan, sockets);
          for (const kind of faultKinds) assert.ok(faults[kind] > 0, `no ${kind} happened`);
          assert.ok(client.messages > 1000);
        })
      ));
    },
  });
}

testSoak("network faults lose, duplicate and leak nothing", runtimeNames, "own");
testSoak(
  "network faults lose, duplicate and leak nothing over Bun.serve and Deno.serve",
  ["deno", "bun"],
  "native",
);
