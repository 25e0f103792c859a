// Three nodes, one on each runtime, with 3,000 connections, on each broker.

import { brokerNames, installBrokers } from "../support/brokers.ts";
import { runCluster } from "./cluster.ts";

installBrokers();

const CASES = brokerNames.flatMap((broker) => [
  { broker, resume: false, promise: "losses within the promise" },
  { broker, resume: true, promise: "nothing lost by who resumes" },
]);

for (const { broker, resume, promise } of CASES) {
  Deno.test({
    name: `three nodes on ${broker}: each message once and in order, ${promise}`,
    // Connections of a node that is killed end when they end.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const report = await runCluster({ broker, resume, connections: 3000, load: 120 });
      // deno-lint-ignore no-console
      console.log(JSON.stringify(report));
    },
  });
}
