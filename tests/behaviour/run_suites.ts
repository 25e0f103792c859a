// Runs the groups of behavior suites in processes of each runtime, with a test step per case.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { linesOf, within } from "../support/child.ts";
import { missing, testUnless } from "../support/need.ts";
import { runtimeCommand, type RuntimeName } from "../support/runtimes.ts";
import { type LiveFixtures, makeFixtures } from "./fixtures.ts";
import {
  CLIENT_VARIABLE,
  DENO_SOCKETS_VARIABLE,
  FIXTURES_VARIABLE,
  type Report,
  SERVER_VARIABLE,
} from "./harness.ts";
import { groupsOf, type SuiteGroup } from "./groups.ts";
import { nativeDifferences } from "./native_differences.ts";
import { pageSuites } from "./page_differences.ts";

/** The milliseconds without output after which a process counts as hung. */
const SILENCE_LIMIT = 240_000;

/** The time limit for a process to exit after its last case, in milliseconds. */
const EXIT_LIMIT = 240_000;

/** The number of concurrent processes, which mostly wait. */
const AHEAD = 4;

/** The end of a process, with a problem if it was unexpected. */
interface End {
  readonly type: "end";
  readonly problem?: string;
}

/** The process of a group. It queues reports, because the process may start before its tests. */
class GroupProcess {
  readonly #runtime: RuntimeName;
  readonly #suites: readonly string[];
  readonly #env: Record<string, string>;
  readonly #unread: Array<Report | End> = [];
  #added = Promise.withResolvers<void>();
  #running: Promise<void> | undefined;
  #child: Deno.ChildProcess | undefined;
  #isKilled = false;

  constructor(runtime: RuntimeName, suites: readonly string[], env: Record<string, string>) {
    this.#runtime = runtime;
    this.#suites = suites;
    this.#env = env;
  }

  /**
   * Starts the process unless it has started, and waits for its end.
   *
   * @param first The first suite to run. Default: the first of the group.
   */
  run(first = this.#suites[0]!): Promise<void> {
    return this.#running ??= this.#run(this.#suites.slice(this.#suites.indexOf(first)));
  }

  /** Waits for the start of a suite. Skips suites whose test was filtered out. */
  async started(suite: string): Promise<void> {
    for (;;) {
      const report = await this.next();
      if (report.type === "suite" && report.name === suite) return;
    }
  }

  /** Returns the next report. Throws if the process ends or hangs. */
  async next(): Promise<Report> {
    const next = await this.#next();
    if (next.type !== "end") return next;
    throw failure(next.problem ?? "the process ended before its suite");
  }

  /** Waits for the process to exit. Throws if it hangs or fails. */
  async ended(): Promise<void> {
    const end = await this.#next();
    assert.equal(end.type, "end", "a report follows the last case");
    if (end.type === "end" && end.problem !== undefined) throw failure(end.problem);
  }

  /** Kills the process if it is still running. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill();
    await this.#running;
  }

  #kill(): void {
    this.#isKilled = true;
    try {
      this.#child?.kill("SIGKILL");
    } catch {
      // The process has exited.
    }
  }

  async #next(): Promise<Report | End> {
    for (;;) {
      const [next] = this.#unread;
      // Keep the end for further calls.
      if (next !== undefined && next.type !== "end") this.#unread.shift();
      if (next !== undefined) return next;
      await this.#added.promise;
    }
  }

  #add(next: Report | End): void {
    this.#unread.push(next);
    this.#added.resolve();
    this.#added = Promise.withResolvers();
  }

  async #run(suites: readonly string[]): Promise<void> {
    let problem: string | undefined;
    try {
      problem = await this.#follow(suites);
    } catch (error) {
      problem = String(error);
    }
    this.#add({ type: "end", problem });
  }

  /** Starts a process and queues its reports until it ends. Returns the problem, if any. */
  async #follow(suites: readonly string[]): Promise<string | undefined> {
    await using fixtures = await makeFixtures();
    const module = fileURLToPath(new URL(`run_${this.#runtime}.ts`, import.meta.url));
    const { command, args } = runtimeCommand(this.#runtime, module, ...suites);
    const child = new Deno.Command(command, {
      args,
      env: { ...this.#env, [FIXTURES_VARIABLE]: JSON.stringify(fixtures) },
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#child = child;
    if (this.#isKilled) this.#kill();
    const lines = linesOf(child.stdout);
    const errorOutput = new Response(child.stderr).text();
    let problem: string | undefined;
    try {
      problem = await this.#expect(suites.length, child, lines, fixtures);
    } finally {
      this.#kill();
      await child.status;
      await errorOutput;
      while (!(await lines.next()).done) { /* the pipe has to be empty to close */ }
    }
    if (problem === undefined) return undefined;
    const { code, signal } = await child.status;
    return `the process ${problem} (exit code ${code}, signal ${signal})\n${await errorOutput}`;
  }

  /** Queues the reports. Returns a problem if the process does not end as expected. */
  async #expect(
    count: number,
    child: Deno.ChildProcess,
    lines: AsyncIterator<string>,
    fixtures: LiveFixtures,
  ): Promise<string | undefined> {
    let failed = 0;
    for (let left = count; left > 0;) {
      const line = await within(SILENCE_LIMIT, lines.next());
      if (line === undefined) return "hangs";
      if (line.done) return "ended before its suite";
      const report: Report = JSON.parse(line.value);
      this.#add(report);
      if (report.type !== "done") continue;
      failed += report.failed;
      left--;
    }
    if (failed > 0) return undefined;
    // `Bun.connect` cannot be canceled. Rejecting its pending attempts ends them.
    if (this.#runtime === "bun") await fixtures.silence[Symbol.asyncDispose]();
    const status = await within(EXIT_LIMIT, child.status);
    if (status === undefined) {
      return "does not exit: a resource is still open; QUICKWS_APART=1 shows in which suite";
    }
    return status.success ? undefined : "failed";
  }
}

/** The processes of a test file, in the order of their tests. */
class Processes {
  readonly #all: GroupProcess[] = [];
  #next = 0;
  #running = 0;

  /** Adds the process of further tests. */
  add(process: GroupProcess): void {
    this.#all.push(process);
  }

  /** Starts a process, and those of later tests up to {@linkcode AHEAD} concurrent processes. */
  start(process: GroupProcess, suite: string): void {
    void process.run(suite);
    // Skip the processes of tests that were filtered out.
    this.#next = Math.max(this.#next, this.#all.indexOf(process));
    this.#startNext();
  }

  /** Kills the processes whose last test did not run. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#next = this.#all.length;
    await Promise.all(this.#all.map((process) => process[Symbol.asyncDispose]()));
  }

  #startNext(): void {
    while (this.#running < AHEAD && this.#next < this.#all.length) {
      this.#running++;
      void this.#all[this.#next++]!.run().then(() => {
        this.#running--;
        this.#startNext();
      });
    }
  }
}

/** Creates an error with the output of another process instead of this one's stack. */
function failure(text: string): Error {
  const error = new Error(text);
  error.stack = text;
  return error;
}

const processes = new Processes();

Deno.test.afterAll(() => processes[Symbol.asyncDispose]());

function testGroup(
  runtime: RuntimeName,
  { suites, needs = [] }: SuiteGroup,
  variant = "",
  env: Record<string, string> = {},
): void {
  const reason = missing(...needs);
  const process = new GroupProcess(runtime, suites, env);
  if (reason === undefined) processes.add(process);
  let failed = 0;
  for (const suite of suites) {
    const test = async (t: Deno.TestContext): Promise<void> => {
      processes.start(process, suite);
      await process.started(suite);
      let report = await process.next();
      while (report.type === "start") {
        const { name } = report;
        await t.step(name, async () => {
          const result = await process.next();
          assert.ok(result.type === "result" && result.name === name);
          if (result.error !== undefined) throw failure(`${runtime}: ${name}\n${result.error}`);
        });
        report = await process.next();
      }
      assert.ok(report.type === "done");
      failed += report.failed;
      if (suite !== suites.at(-1) || failed > 0) return;
      await t.step("the process exits without open handles", () => process.ended());
    };
    // A process may start during an earlier test, and runs the suites of several tests.
    testUnless(reason)(`behaviour of ${suite}${variant} on ${runtime}`, test, {
      sanitizeOps: false,
      sanitizeResources: false,
    });
  }
}

/** Registers the tests of all suites on a runtime. */
export function testSuites(runtime: RuntimeName): void {
  for (const group of groupsOf()) testGroup(runtime, group);
  if (runtime === "deno") {
    // The other socket types that a server on Deno can use.
    for (const group of groupsOf(["transport"])) {
      testGroup(runtime, group, " by Deno.listen", { [DENO_SOCKETS_VARIABLE]: "Deno.listen" });
    }
  }
  if (runtime === "node") return;
  // The same cases over the WebSockets of Bun.serve and Deno.serve, except for their limitations.
  for (const group of groupsOf(Object.keys(nativeDifferences))) {
    testGroup(runtime, group, " over createSockets", { [SERVER_VARIABLE]: "native" });
  }
  // The same cases with the page client, over the global WebSocket of Deno and Bun.
  for (const group of groupsOf(pageSuites)) {
    testGroup(runtime, group, " with the client for pages", { [CLIENT_VARIABLE]: "page" });
  }
}
