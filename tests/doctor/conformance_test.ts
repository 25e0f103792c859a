// The quickws server and client under examination: every case is a PASS, on every runtime, in both
// roles, with compression and without. The doctor runs on every runtime, too. Both mostly wait for each
// other, so several examinations run at the same time.

import assert from "node:assert/strict";
import type { Result } from "../../doctor/report.ts";
import type { RuntimeName } from "../support/runtimes.ts";
import { testAtOnce } from "../support/steps_at_once.ts";
import { type Endpoint, examine, ownEndpoints } from "./endpoints.ts";

/** Cases that RFC 6455 does not define, with any outcome. */
const INFORMATIONAL = ["7.1.6", "7.13.1", "7.13.2"];

/**
 * The compressed cases, without the most similar ones. All cases together take an hour: `deno task
 * doctor` without `--fast`.
 */
const LEFT_OUT = ["12.2.*", "12.3.*", "12.4.*", "13.1.*", "13.2.*", "13.4.*", "13.6.*"];

/**
 * Long cases of code that is the same on all runtimes: fragments of large messages, and
 * compression. Each runtime skips those of one entry, and each case runs in both roles.
 */
const SHARES = [
  ["9.3.*", "12.1.*", "13.3.*"],
  ["9.4.*", "12.5.*", "13.5.*"],
  ["13.7.*"],
];

/** With compression: the arguments for the examination at an index of {@linkcode ownEndpoints}. */
function selection(index: number): string[] {
  // In the other role, each runtime skips other cases.
  const share = SHARES[(index + Math.floor(index / SHARES.length)) % SHARES.length]!;
  return ["--fast", "--exclude", [...LEFT_OUT, ...share].join(",")];
}

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

/** Examinations at the same time; each has two processes. */
const AT_ONCE = 3;

testAtOnce("quickws passes", AT_ONCE, [
  ...ownEndpoints(true).map((endpoint, index) =>
    [
      `${endpoint.role} on ${endpoint.runtime}`,
      () => assertHealthy(endpoint, selection(index), 440),
    ] as const
  ),
  // Each runtime in one role, because the other role has no runtime-specific code.
  ...ownEndpoints(false).filter((_, index) => index % 2 === 0).map((endpoint) =>
    [
      `${endpoint.role} on ${endpoint.runtime} without compression`,
      () => assertHealthy(endpoint, PLAIN, 90),
    ] as const
  ),
]);
