// Runs each behavior suite in a process of each runtime, with a test step per case.

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
import { nativeDifferences } from "./native_differences.ts";
import { pageSuites } from "./page_differences.ts";
import { suites } from "./suites.ts";

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

/** The process of a suite. It queues reports, because the process may start before its test. */
class SuiteProcess {
  readonly #runtime: RuntimeName;
  readonly #suite: string;
  readonly #env: Record<string, string>;
  readonly #unread: Array<Report | End> = [];
  #added = Promise.withResolvers<void>();
  #running: Promise<void> | undefined;
  #child: Deno.ChildProcess | undefined;
  #isKilled = false;

  constructor(runtime: RuntimeName, suite: string, env: Record<string, string>) {
    this.#runtime = runtime;
    this.#suite = suite;
    this.#env = env;
  }

  /** Starts the process unless it has started, and waits for its end. */
  run(): Promise<void> {
    return this.#running ??= this.#run();
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

  async #run(): Promise<void> {
    let problem: string | undefined;
    try {
      problem = await this.#follow();
    } catch (error) {
      problem = String(error);
    }
    this.#add({ type: "end", problem });
  }

  /** Starts a process and queues its reports until it ends. Returns the problem, if any. */
  async #follow(): Promise<string | undefined> {
    await using fixtures = await makeFixtures();
    const module = fileURLToPath(new URL(`run_${this.#runtime}.ts`, import.meta.url));
    const { command, args } = runtimeCommand(this.#runtime, module, this.#suite);
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
      problem = await this.#expect(child, lines, fixtures);
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
    child: Deno.ChildProcess,
    lines: AsyncIterator<string>,
    fixtures: LiveFixtures,
  ): Promise<string | undefined> {
    for (;;) {
      const line = await within(SILENCE_LIMIT, lines.next());
      if (line === undefined) return "hangs";
      if (line.done) return "ended before its suite";
      const report: Report = JSON.parse(line.value);
      this.#add(report);
      if (report.type !== "done") continue;
      if (report.failed > 0) return undefined;
      // `Bun.connect` cannot be canceled. Rejecting its pending attempts ends them.
      if (this.#runtime === "bun") await fixtures.silence[Symbol.asyncDispose]();
      const status = await within(EXIT_LIMIT, child.status);
      if (status === undefined) return "does not exit: a resource is still open";
      return status.success ? undefined : "failed";
    }
  }
}

/** The processes of a test file, in the order of their tests. */
class Processes {
  readonly #all: SuiteProcess[] = [];
  #next = 0;
  #running = 0;

  /** Adds the process of another test. */
  add(process: SuiteProcess): void {
    this.#all.push(process);
  }

  /** Starts a process, and those of later tests up to {@linkcode AHEAD} concurrent processes. */
  start(process: SuiteProcess): void {
    // Skip the processes of tests that were filtered out.
    this.#next = Math.max(this.#next, this.#all.indexOf(process));
    this.#startNext();
    void process.run();
  }

  /** Kills the processes whose test did not run. */
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

async function testSuite(
  title: string,
  suite: string,
  runtime: RuntimeName,
  env: Record<string, string> = {},
): Promise<void> {
  const { needs = [] } = await suites[suite]!();
  const reason = missing(...needs);
  const suiteProcess = new SuiteProcess(runtime, suite, env);
  if (reason === undefined) processes.add(suiteProcess);
  const test = async (t: Deno.TestContext): Promise<void> => {
    await using process = suiteProcess;
    processes.start(process);
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
    assert.equal(report.type, "done");
    if (report.failed > 0) return;
    await t.step("the process exits without open handles", () => process.ended());
  };
  // A process may start during an earlier test.
  testUnless(reason)(title, test, { sanitizeOps: false, sanitizeResources: false });
}

/** Registers the tests of all suites on a runtime. */
export async function testSuites(runtime: RuntimeName): Promise<void> {
  if (runtime === "deno") {
    // The other socket types that a server on Deno can use.
    await testSuite("behavior of transport on deno over Deno.listen", "transport", "deno", {
      [DENO_SOCKETS_VARIABLE]: "Deno.listen",
    });
  }
  for (const suite of Object.keys(suites)) {
    await testSuite(`behavior of ${suite} on ${runtime}`, suite, runtime);
  }
  if (runtime === "node") return;
  // The same cases over the WebSockets of Bun.serve and Deno.serve, except for their limitations.
  for (const suite of Object.keys(nativeDifferences)) {
    await testSuite(`behavior of ${suite} over createSockets on ${runtime}`, suite, runtime, {
      [SERVER_VARIABLE]: "native",
    });
  }
  // The same cases with the page client, over the global WebSocket of Deno and Bun.
  for (const suite of pageSuites) {
    await testSuite(
      `behavior of ${suite} with the client for pages on ${runtime}`,
      suite,
      runtime,
      { [CLIENT_VARIABLE]: "page" },
    );
  }
}
