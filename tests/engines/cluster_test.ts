// Three nodes, one on each runtime, with 3,000 connections, on each engine.

import { engineNames, installEngines } from "../support/engines.ts";
import { runCluster } from "./cluster.ts";

installEngines();

for (const engine of engineNames) {
  Deno.test({
    name: `three nodes on ${engine}: each message once and in order, losses within the promise`,
    // Connections of a node that is killed end when they end.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const report = await runCluster({ engine, connections: 3000, load: 120 });
      // deno-lint-ignore no-console
      console.log(JSON.stringify(report));
    },
  });
}
