// The quickws server and client pass every case on every runtime, with and without compression. The
// doctor also runs on every runtime. Its processes mostly wait, so several run concurrently.

import assert from "node:assert/strict";
import type { Result } from "../../doctor/report.ts";
import type { RuntimeName } from "../support/runtimes.ts";
import { testAtOnce } from "../support/steps_at_once.ts";
import { type Endpoint, examine, ownEndpoints } from "./endpoints.ts";

/** Cases that RFC 6455 does not define. Any outcome is allowed. */
const INFORMATIONAL = ["7.1.6", "7.13.1", "7.13.2"];

/**
 * The most similar compression cases, which this test omits. All cases together take an hour: run
 * `deno task doctor` without `--fast`.
 */
const OMITTED = ["12.2.*", "12.3.*", "12.4.*", "13.1.*", "13.2.*", "13.4.*", "13.6.*"];

/**
 * Long cases for code that is the same on all runtimes: large messages in fragments or small chunks,
 * and compression. Each runtime runs the cases of one entry only, a different one in each role. Every
 * case still runs in both roles.
 */
const SHARES = [
  ["9.3.*", "12.1.*", "13.3.*"],
  ["9.4.*", "12.5.*", "13.5.*"],
  ["9.5.*", "9.6.*", "13.7.*"],
];

/** Returns the arguments to examine the endpoint at an index of {@linkcode ownEndpoints}. */
function selection(index: number): string[] {
  const share = (index + Math.floor(index / SHARES.length)) % SHARES.length;
  const others = SHARES.filter((_, other) => other !== share).flat();
  return ["--fast", "--exclude", [...OMITTED, ...others].join(",")];
}

/** The arguments without compression: only the cases that compression could affect. */
const PLAIN = ["--fast", "--cases", "1.*,3.*,23.3.2,28.*"];

/** The doctor's timeout in milliseconds, long enough for a busy machine. */
const TIMEOUT = "20000";

/** The doctor's runtime, by the runtime of the endpoint. They always differ. */
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
    args: [...args, "--timeout", TIMEOUT],
  });
  assert.deepEqual(unhealthy(report.results), []);
  assert.ok(report.results.length >= least, `only ${report.results.length} cases ran`);
  assert.equal(status, 0);
}

/** The number of concurrent examinations, with two processes each. */
const AT_ONCE = 3;

testAtOnce("quickws passes", AT_ONCE, [
  ...ownEndpoints(true).map((endpoint, index) =>
    [
      `${endpoint.role} on ${endpoint.runtime}`,
      () => assertHealthy(endpoint, selection(index), 400),
    ] as const
  ),
  // Each runtime in one role, since no runtime-specific code depends on the role.
  ...ownEndpoints(false).filter((_, index) => index % 2 === 0).map((endpoint) =>
    [
      `${endpoint.role} on ${endpoint.runtime} without compression`,
      () => assertHealthy(endpoint, PLAIN, 20),
    ] as const
  ),
]);
