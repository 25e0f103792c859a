// The doctor detects known faults of other implementations, at the versions pinned in deno.json.

import assert from "node:assert/strict";
import type { Verdict } from "../../doctor/case.ts";
import { examine, PEERS } from "./endpoints.ts";

const KNOWN: [agent: string, role: string, verdicts: Record<string, Verdict>][] = [
  ["ws", "server", {
    "1.1.1": "PASS",
    "6.4.1": "NON-STRICT", // validates text only when a message is complete
    "22.1.1": "NON-STRICT", // accepts lengths that are not minimal
    "26.2.18": "FAIL", // accepts HTTP/1.0
    "26.3.4": "FAIL", // accepts version 8
  }],
  ["Bun.serve", "server", {
    "1.1.1": "PASS",
    "22.1.1": "NON-STRICT",
    "26.2.7": "FAIL", // accepts Connection: keep-alive
    "26.2.18": "FAIL",
  }],
  ["undici", "client", {
    "1.1.1": "PASS",
    "23.2.3": "FAIL", // accepts RSV1 on a ping
    "27.1.3": "FAIL", // rejects Connection: keep-alive, Upgrade
  }],
];

for (const [agent, role, verdicts] of KNOWN) {
  Deno.test(`reports the known faults of the ${role} of ${agent}`, async () => {
    const endpoint = PEERS.find((one) => one.agent === agent && one.role === role)!;
    const { report, status } = await examine(endpoint, {
      doctor: "deno",
      args: ["--cases", Object.keys(verdicts).join(","), "--timeout", "3000"],
    });
    const found = Object.fromEntries(report.results.map(({ id, verdict }) => [id, verdict]));
    assert.deepEqual(found, verdicts);
    assert.equal(status, 1);
  });
}
