// Runs a cluster of three nodes, one per runtime, on each broker.

import { brokerNames, brokerPrograms } from "../support/brokers.ts";
import { need } from "../support/need.ts";
import { NodeProcesses, runCluster } from "./cluster.ts";

/** The number of connections; `deno task cluster` runs the same with 3,000. */
const CONNECTIONS = Number(Deno.env.get("QUICKWS_CONNECTIONS") ?? 300);

const test = need(...brokerPrograms);

const CASES = brokerNames.flatMap((broker) => [
  { broker, resume: false, guarantee: "with only the documented losses" },
  { broker, resume: true, guarantee: "with no losses for clients that resume" },
]);

test(
  "a cluster of three nodes delivers each message once and in order",
  async (t) => {
    await using processes = new NodeProcesses();
    for (const { broker, resume, guarantee } of CASES) {
      await t.step(`over ${broker}, ${guarantee}`, async () => {
        const plan = { broker, resume, connections: CONNECTIONS, load: 120 };
        // deno-lint-ignore no-console
        console.log(JSON.stringify(await runCluster(plan, processes)));
      });
    }
    await processes.end();
  },
  // Connections to a killed node may end after the test.
  { sanitizeOps: false, sanitizeResources: false },
);
