/*
 * Behavior suites run the same cases in Deno, Bun and Node processes.
 *
 * To add a suite, write `tests/behaviour/<name>_suite.ts`, and add it to `suites.ts` and to a group
 * of suites that share a process in `groups.ts`. The module
 * exports `cases: Cases`: for each case, a sentence and an async function that throws if the
 * sentence is false. `deno test tests/behaviour` runs all suites on all three runtimes, with a
 * test step per case. `deno test tests/behaviour/bun_test.ts` runs them on Bun only.
 * QUICKWS_CASE="part of a name" selects cases.
 *
 * A case receives a Context with the runtime's name and Network, certificates, and `after` for
 * cleanup. The cases of a suite run in sequence, each with a deadline. Several suites run
 * concurrently, so they must not share ports or files. A suite passes if every case passes. After
 * its last suite, the process must exit on its own: an open socket or timer is a failure, and with
 * QUICKWS_APART=1 it is a failure of the suite that opened it. `capabilities.ts` lists
 * features that a runtime lacks, with the reason.
 */

import process from "node:process";
import type { Network } from "../../src/transport/transport.ts";
import type { Certificates } from "../support/certificates.ts";
import type { RuntimeName } from "../support/runtimes.ts";
import { nativeDifferences } from "./native_differences.ts";
import { pageDifferences } from "./page_differences.ts";
import { suites } from "./suites.ts";

/** The resources that the parent process has prepared. */
export interface Fixtures {
  /** The certificates of TLS listeners and clients. */
  certificates: Certificates;
  /** A port of 127.0.0.1 that neither accepts nor rejects a connection. */
  silentPort: number;
  /** A directory for this run's unix sockets. */
  directory: string;
}

/** The resources of a case. */
export interface Context {
  readonly runtime: RuntimeName;
  readonly network: Network;
  readonly fixtures: Fixtures;
  /**
   * Registers a cleanup for the end of the case, whether it passes or fails. Cleanups run in
   * reverse order.
   */
  after(cleanUp: () => void | Promise<void>): void;
}

/** The cases of a suite, by their sentences. */
export type Cases = Record<string, (context: Context) => Promise<void>>;

/** One line of a suite's output, as JSON. */
export type Report =
  | { type: "suite"; name: string }
  | { type: "start"; name: string }
  | { type: "result"; name: string; milliseconds: number; error?: string }
  | { type: "done"; failed: number };

/** The environment variable with the {@linkcode Fixtures} as JSON. */
export const FIXTURES_VARIABLE = "QUICKWS_FIXTURES";

/** The environment variable that selects the socket type on Deno. */
export const DENO_SOCKETS_VARIABLE = "QUICKWS_DENO_SOCKETS";

/** The environment variable that, set to `native`, makes servers use the runtime's WebSockets. */
export const SERVER_VARIABLE = "QUICKWS_SERVER";

/** The environment variable that, set to `page`, makes cases connect with the page client. */
export const CLIENT_VARIABLE = "QUICKWS_CLIENT";

/** The environment variable that selects cases by a part of their name. Default: all. */
const CASE_VARIABLE = "QUICKWS_CASE";

const isNative = process.env[SERVER_VARIABLE] === "native";
const isPage = process.env[CLIENT_VARIABLE] === "page";

/** The time limit of a case and of its cleanup, in milliseconds. QUICKWS_DEADLINE overrides it. */
const DEADLINE = Number(process.env.QUICKWS_DEADLINE ?? 60_000);

/** Runs the suites named on the command line, and reports to standard output. */
export async function runSuites(runtime: RuntimeName, network: Network): Promise<void> {
  const fixtures: Fixtures = JSON.parse(process.env[FIXTURES_VARIABLE]!);
  if (isPage) {
    const { useClient } = await import("../support/live_harness.ts");
    useClient((await import("../../src/browser.ts")).connect);
  }
  let failed = 0;
  for (const name of process.argv.slice(2)) {
    failed += await runSuite(name, { runtime, network, fixtures });
  }
  // Open resources of a failed case must not keep the process alive. After success, the process
  // must exit on its own.
  if (failed > 0) process.exit(1);
}

/** Runs a suite. Returns the number of failed cases. */
async function runSuite(name: string, base: Omit<Context, "after">): Promise<number> {
  report({ type: "suite", name });
  const load = suites[name];
  if (load === undefined) throw new Error(`no suite is named ${name}: see suites.ts`);
  const { cases } = await load();
  const { runtime } = base;
  const part = process.env[CASE_VARIABLE] ?? "";
  const differences = isNative
    ? nativeDifferences[name]!
    : isPage
    ? pageDifferences(name, runtime)
    : {};
  // A renamed case must not be skipped silently.
  const unknown = Object.keys(differences).filter((name) => cases[name] === undefined);
  if (unknown.length > 0) throw new Error(`no such cases: ${unknown.join(", ")}`);

  let failed = 0;
  for (const [name, run] of Object.entries(cases)) {
    const difference = differences[name];
    const reason = typeof difference === "object" ? difference[runtime] : difference;
    if (!name.includes(part) || reason !== undefined) continue;
    report({ type: "start", name });
    const began = performance.now();
    const error = await runCase(run, base);
    const milliseconds = Math.round(performance.now() - began);
    if (error !== undefined) failed++;
    report({ type: "result", name, milliseconds, error });
  }
  report({ type: "done", failed });
  return failed;
}

/** Runs a case. Returns its error, if any. */
export async function runCase(
  run: (context: Context) => Promise<void>,
  base: Omit<Context, "after">,
): Promise<string | undefined> {
  const cleanUps: Array<() => void | Promise<void>> = [];
  let failure: string | undefined;
  const attempt = async (part: () => void | Promise<void>): Promise<void> => {
    try {
      await withinDeadline(part);
    } catch (error) {
      failure ??= describe(error);
    }
  };
  await attempt(() => run({ ...base, after: (cleanUp) => void cleanUps.push(cleanUp) }));
  for (const cleanUp of cleanUps.reverse()) await attempt(cleanUp);
  return failure;
}

async function withinDeadline(part: () => void | Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${DEADLINE} ms`)), DEADLINE);
  });
  try {
    await Promise.race([part(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return `thrown: ${String(error)}`;
  // JavaScriptCore's stacks do not start with the message.
  const stack = error.stack ?? "";
  return stack.includes(error.message) ? stack : `${error.name}: ${error.message}\n${stack}`;
}

function report(report: Report): void {
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
