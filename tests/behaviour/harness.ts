/*
 * Behavior suites: the same cases in a real Deno, a real Bun and a real Node process.
 *
 * To add a suite, write `tests/behaviour/<name>_suite.ts`, which exports `cases: Cases`: a sentence
 * for each case and an async function that throws if the sentence is false. Then add it to
 * `suites.ts`. `deno test tests/behaviour` runs it on all three, a step for each case; `deno test
 * tests/behaviour/bun_test.ts` runs it on one of them, and QUICKWS_CASE="part of a name" only the
 * matching cases.
 *
 * A case gets a Context: the runtime's name and Network, certificates, and `after` for cleanup.
 * Cases run one after the other, each within a deadline, and several suites run at the same time: they
 * may not share a port or a file. A suite passes when every case did and the process then exited
 * automatically: a socket or a timer left behind is a failure.
 * `capabilities.ts` lists what a runtime lacks, with the reason.
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
  /** For TLS listeners and their clients. */
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
   * Registers a cleanup for the end of the case, in every outcome; cleanups run in reverse order.
   */
  after(cleanUp: () => void | Promise<void>): void;
}

/** The cases of a suite, by the sentence each proves. */
export type Cases = Record<string, (context: Context) => Promise<void>>;

/** One line of a suite's output, as JSON. */
export type Report =
  | { type: "start"; name: string }
  | { type: "result"; name: string; milliseconds: number; error?: string }
  | { type: "done"; failed: number };

/** The environment variable that holds the {@linkcode Fixtures} as JSON. */
export const FIXTURES_VARIABLE = "QUICKWS_FIXTURES";

/** The environment variable that selects the socket type of a suite with a network, on Deno. */
export const DENO_SOCKETS_VARIABLE = "QUICKWS_DENO_SOCKETS";

/** The environment variable that, with `native`, has servers use the WebSockets of the runtime. */
export const SERVER_VARIABLE = "QUICKWS_SERVER";

/** The environment variable that, with `page`, has cases connect with the client for pages. */
export const CLIENT_VARIABLE = "QUICKWS_CLIENT";

/** The environment variable that chooses cases by a part of their name; all without it. */
const CASE_VARIABLE = "QUICKWS_CASE";

/** Milliseconds that a case, or undoing it, may take on a busy machine; QUICKWS_DEADLINE changes that. */
const DEADLINE = Number(process.env.QUICKWS_DEADLINE ?? 60_000);

/** Runs the suite that the command line names, and reports on standard output. */
export async function runSuite(runtime: RuntimeName, network: Network): Promise<void> {
  const name = process.argv[2];
  const load = suites[name ?? ""];
  if (load === undefined) throw new Error(`no suite is named ${name}: see suites.ts`);
  const { cases } = await load();
  const fixtures: Fixtures = JSON.parse(process.env[FIXTURES_VARIABLE]!);
  const part = process.env[CASE_VARIABLE] ?? "";

  const isNative = process.env[SERVER_VARIABLE] === "native";
  const isPage = process.env[CLIENT_VARIABLE] === "page";
  if (isPage) {
    const { useClient } = await import("../support/live_harness.ts");
    useClient((await import("../../src/browser.ts")).connect);
  }
  const differences = isNative
    ? nativeDifferences[name!]!
    : isPage
    ? pageDifferences(name!, runtime)
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
    const error = await runCase(run, { runtime, network, fixtures });
    const milliseconds = Math.round(performance.now() - began);
    if (error !== undefined) failed++;
    report({ type: "result", name, milliseconds, error });
  }
  report({ type: "done", failed });
  // Open resources of a failed case must not keep the process alive; a successful run must leave
  // none.
  if (failed > 0) process.exit(1);
}

/** Runs a case, and returns how it failed. */
export async function runCase(
  run: (context: Context) => Promise<void>,
  surroundings: Omit<Context, "after">,
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
  await attempt(() => run({ ...surroundings, after: (cleanUp) => void cleanUps.push(cleanUp) }));
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
  // JavaScriptCore's stacks do not begin with the message.
  const stack = error.stack ?? "";
  return stack.includes(error.message) ? stack : `${error.name}: ${error.message}\n${stack}`;
}

function report(report: Report): void {
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
