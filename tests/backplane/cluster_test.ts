// Runs a cluster of three nodes, one per runtime, on each broker.

import { brokerNames, brokerPrograms } from "../support/brokers.ts";
import { need } from "../support/need.ts";
import { runCluster } from "./cluster.ts";

/** The number of connections; `deno task cluster` runs the same with 3,000. */
const CONNECTIONS = Number(Deno.env.get("QUICKWS_CONNECTIONS") ?? 600);

const test = need(...brokerPrograms);

const CASES = brokerNames.flatMap((broker) => [
  { broker, resume: false, guarantee: "with only the documented losses" },
  { broker, resume: true, guarantee: "with no losses for clients that resume" },
]);

for (const { broker, resume, guarantee } of CASES) {
  test(
    `delivers each message once and in order on three nodes over ${broker}, ${guarantee}`,
    async () => {
      const report = await runCluster({ broker, resume, connections: CONNECTIONS, load: 120 });
      // deno-lint-ignore no-console
      console.log(JSON.stringify(report));
    },
    // Connections to a killed node may end after the test.
    { sanitizeOps: false, sanitizeResources: false },
  );
}
