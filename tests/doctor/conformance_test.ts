// The quickws server and client under examination: every case is a PASS, on every runtime, in both
// roles, with compression and without. The doctor runs on every runtime, too.

import assert from "node:assert/strict";
import type { Result } from "../../doctor/report.ts";
import type { RuntimeName } from "../support/runtimes.ts";
import { type Endpoint, examine, ownEndpoints } from "./endpoints.ts";

/** Cases that RFC 6455 does not define, with any outcome. */
const INFORMATIONAL = ["7.1.6", "7.13.1", "7.13.2"];

/**
 * With compression: all cases except the long ones, and of the compressed cases those that differ
 * most. All cases together take an hour: `deno task doctor` without `--fast`.
 */
const SELECTION = ["--fast", "--exclude", "12.2.*,12.3.*,12.4.*,13.1.*,13.2.*,13.4.*,13.6.*"];

/** Without compression: the cases that compression could affect. */
const PLAIN = ["--fast", "--cases", "1.*,2.*,3.*,5.*,7.*,9.7.*,23.3.2,25.*,28.*"];

/** Milliseconds; the value allows for a busy machine. */
const PATIENCE = "20000";

/** The doctor and its endpoint run on different runtimes. */
const DOCTOR_ON: Record<RuntimeName, RuntimeName> = { deno: "node", node: "bun", bun: "deno" };

function unhealthy(results: readonly Result[]): string[] {
  return results
    .filter(({ id, verdict }) =>
      verdict !== (INFORMATIONAL.includes(id) ? "INFORMATIONAL" : "PASS")
    )
    .map(({ id, verdict, title, note }) => `${id} ${verdict}: ${title}: ${note}`);
}

async function assertHealthy(
  endpoint: Endpoint,
  args: readonly string[],
  least: number,
): Promise<void> {
  const { report, status } = await examine(endpoint, {
    doctor: DOCTOR_ON[endpoint.runtime],
    args: [...args, "--timeout", PATIENCE],
  });
  assert.deepEqual(unhealthy(report.results), []);
  assert.ok(report.results.length >= least, `only ${report.results.length} cases were run`);
  assert.equal(status, 0);
}

for (const endpoint of ownEndpoints(true)) {
  Deno.test(`the quickws ${endpoint.role} on ${endpoint.runtime} passes`, () =>
    assertHealthy(endpoint, SELECTION, 500));
}

for (const endpoint of ownEndpoints(false)) {
  Deno.test(`the quickws ${endpoint.role} on ${endpoint.runtime} passes without compression`, () =>
    assertHealthy(endpoint, PLAIN, 90));
}
