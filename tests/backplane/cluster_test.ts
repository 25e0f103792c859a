// Three nodes, one on each runtime, with 3,000 connections, on each broker.

import { brokerNames, brokerPrograms } from "../support/brokers.ts";
import { need } from "../support/need.ts";
import { runCluster } from "./cluster.ts";

const test = need(...brokerPrograms);

const CASES = brokerNames.flatMap((broker) => [
  { broker, resume: false, promise: "with no more losses than documented" },
  { broker, resume: true, promise: "with no losses for clients that resume" },
]);

for (const { broker, resume, promise } of CASES) {
  test(
    `delivers each message once and in order on three nodes over ${broker}, ${promise}`,
    async () => {
      const report = await runCluster({ broker, resume, connections: 3000, load: 120 });
      // deno-lint-ignore no-console
      console.log(JSON.stringify(report));
    },
    // Connections to a killed node may end after the test.
    { sanitizeOps: false, sanitizeResources: false },
  );
}
