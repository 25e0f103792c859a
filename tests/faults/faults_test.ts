// The short form of the load with faults, on each runtime; the long one is `deno task soak`.

import assert from "node:assert/strict";
import { runtimeNames } from "../support/runtimes.ts";
import { faultKinds } from "./faults.ts";
import { soak } from "./soak.ts";

for (const runtime of runtimeNames) {
  Deno.test(`faults on the way lose, repeat and leak nothing on ${runtime}`, async () => {
    const figures = await soak(runtime, {
      load: { concurrency: 200, connections: 1200, lifetime: 600, gap: 60, readTimeout: 4000 },
      warmUp: { connections: 400 },
      faults: { share: 0.5, longest: 500, kinds: faultKinds },
      seed: 1,
      pingInterval: 500,
      pongTimeout: 2000,
    });
    for (const kind of faultKinds) assert.ok(figures.faults[kind] > 0, `no ${kind} happened`);
    assert.ok(figures.client.messages > 1000);
  });
}
