// Three nodes, one on each runtime, with 3,000 connections, on each engine.

import { engineNames, installEngines } from "../support/engines.ts";
import { runCluster } from "./cluster.ts";

installEngines();

const CASES = engineNames.flatMap((engine) => [
  { engine, resume: false, promise: "losses within the promise" },
  { engine, resume: true, promise: "nothing lost by who resumes" },
]);

for (const { engine, resume, promise } of CASES) {
  Deno.test({
    name: `three nodes on ${engine}: each message once and in order, ${promise}`,
    // Connections of a node that is killed end when they end.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const report = await runCluster({ engine, resume, connections: 3000, load: 120 });
      // deno-lint-ignore no-console
      console.log(JSON.stringify(report));
    },
  });
}
