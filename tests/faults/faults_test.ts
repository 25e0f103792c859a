// A short soak test with network faults on each runtime. The long version is `deno task soak`.

import assert from "node:assert/strict";
import { type RuntimeName, runtimeNames } from "../support/runtimes.ts";
import { type Step, testAtOnce } from "../support/steps_at_once.ts";
import { faultKinds } from "./faults.ts";
import { soak, type SoakPlan } from "./soak.ts";
import type { SocketsKind } from "./soak_server.ts";

const plan: SoakPlan = {
  load: { concurrency: 200, connections: 600, lifetime: 600, gap: 120, readTimeout: 4000 },
  warmUp: { connections: 250 },
  faults: { share: 0.5, longest: 500, kinds: faultKinds },
  seed: 1,
  pingInterval: 500,
  pongTimeout: 2000,
  // 5 KiB per connection.
  heapSlack: 3 << 20,
};

/** The number of concurrent runs, which mostly wait. */
const AT_ONCE = 3;

function runs(title: string, runtimes: readonly RuntimeName[], sockets: SocketsKind): Step[] {
  return runtimes.map((runtime) => [`${title} on ${runtime}`, async () => {
    const { faults, client } = await soak(runtime, plan, sockets);
    for (const kind of faultKinds) assert.ok(faults[kind] > 0, `no ${kind} happened`);
    assert.ok(client.messages > 500, `only ${client.messages} messages`);
  }]);
}

testAtOnce("network faults lose, duplicate and leak nothing", AT_ONCE, [
  ...runs("over the library's sockets", runtimeNames, "own"),
  ...runs("over Bun.serve and Deno.serve", ["deno", "bun"], "native"),
]);
