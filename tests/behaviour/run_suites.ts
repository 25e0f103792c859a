// Starts each behavior suite in a real process of each runtime, and makes a step of every case.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { linesOf, within } from "../support/child.ts";
import { need } from "../support/need.ts";
import { runtimeCommand, type RuntimeName } from "../support/runtimes.ts";
import { makeFixtures } from "./fixtures.ts";
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

/** Milliseconds without a line after which a process counts as hung; a case has its own deadline. */
const SILENCE_LIMIT = 240_000;

/** Milliseconds that a process has to end after its last case. */
const EXIT_LIMIT = 240_000;

/** A suite's process: its reports one by one, and its exit. */
class SuiteProcess {
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #errorOutput: Promise<string>;

  constructor(runtime: RuntimeName, suite: string, env: Record<string, string>) {
    const module = fileURLToPath(new URL(`run_${runtime}.ts`, import.meta.url));
    this.#child = new Deno.Command(runtimeCommand(runtime, module).command, {
      args: runtimeCommand(runtime, module, suite).args,
      env,
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#lines = linesOf(this.#child.stdout);
    this.#errorOutput = new Response(this.#child.stderr).text();
  }

  /** The next report; throws when the process ends or hangs instead. */
  async next(): Promise<Report> {
    const line = await within(SILENCE_LIMIT, this.#lines.next());
    if (line === undefined) return await this.#dead("hangs");
    if (line.done) return await this.#dead("ended before its suite");
    return JSON.parse(line.value);
  }

  /** Waits for the process to exit; throws if it hangs or fails. */
  async ended(): Promise<void> {
    const status = await within(EXIT_LIMIT, this.#child.status);
    if (status === undefined) {
      await this.#dead("does not end: something is still open");
    } else if (!status.success) {
      await this.#dead("ended badly");
    }
  }

  /** Kills the process, if it is still running. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
    await this.#errorOutput;
    while (!(await this.#lines.next()).done) { /* the pipe has to be empty to close */ }
  }

  async #dead(how: string): Promise<never> {
    await this[Symbol.asyncDispose]();
    const { code, signal } = await this.#child.status;
    throw failure(
      `the process ${how} (exit code ${code}, signal ${signal})\n${await this.#errorOutput}`,
    );
  }
}

/** An error with the output of the other process, not the stack of this one. */
function failure(text: string): Error {
  const error = new Error(text);
  error.stack = text;
  return error;
}

async function testSuite(
  title: string,
  suite: string,
  runtime: RuntimeName,
  env: Record<string, string> = {},
): Promise<void> {
  const { needs = [] } = await suites[suite]!();
  need(...needs)(title, async (t) => {
    await using fixtures = await makeFixtures();
    const variables = { ...env, [FIXTURES_VARIABLE]: JSON.stringify(fixtures) };
    await using process = new SuiteProcess(runtime, suite, variables);

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
    // `Bun.connect` cannot be canceled; a rejection ends its pending attempts.
    if (runtime === "bun") await fixtures.silence[Symbol.asyncDispose]();
    await t.step("the process exits: no handle is left open", () => process.ended());
  });
}

/** Registers the tests of all suites on a runtime. */
export async function testSuites(runtime: RuntimeName): Promise<void> {
  for (const suite of Object.keys(suites)) {
    await testSuite(`behaviour of ${suite} on ${runtime}`, suite, runtime);
  }
  if (runtime === "node") return;
  // The same cases over the WebSockets of Bun.serve and Deno.serve, except for their limitations.
  for (const suite of Object.keys(nativeDifferences)) {
    await testSuite(`behaviour of ${suite} over createSockets on ${runtime}`, suite, runtime, {
      [SERVER_VARIABLE]: "native",
    });
  }
  // The same cases with the client for pages, over the global WebSocket of Deno and of Bun.
  for (const suite of pageSuites) {
    await testSuite(
      `behaviour of ${suite} with the client for pages on ${runtime}`,
      suite,
      runtime,
      { [CLIENT_VARIABLE]: "page" },
    );
  }
  if (runtime === "bun") return;
  // The other socket types that a server on Deno can use.
  await testSuite("behaviour of transport on deno by Deno.listen", "transport", "deno", {
    [DENO_SOCKETS_VARIABLE]: "Deno.listen",
  });
}
