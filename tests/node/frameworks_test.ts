// Tests WebSockets on the HTTP servers of Express, Fastify, Koa, Hono and plain `node:http`, in a
// process of each runtime.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runtimeCommand, type RuntimeName, runtimeNames } from "../support/runtimes.ts";
import { frameworkNames } from "./framework_names.ts";
import type { CaseResult } from "./run_framework.ts";

/** Three ways to add WebSockets to a server, with four cases each. */
const CASES = 3 * 4;

/** How long a process may take on a busy machine, in milliseconds. */
const DEADLINE = 240_000;

const program = fileURLToPath(new URL("run_framework.ts", import.meta.url));

for (const runtime of runtimeNames) {
  Deno.test(`WebSockets on the HTTP servers of frameworks, on ${runtime}`, (t) => test(t, runtime));
}

async function test(t: Deno.TestContext, runtime: RuntimeName): Promise<void> {
  const { command, args } = runtimeCommand(runtime, program);
  const process = new Deno.Command(command, { args, stdout: "piped", stderr: "piped" }).spawn();
  const timer = setTimeout(() => process.kill("SIGKILL"), DEADLINE);
  const { code, signal, stdout, stderr } = await process.output();
  clearTimeout(timer);
  const decoder = new TextDecoder();
  const results: CaseResult[] = decoder.decode(stdout).split("\n").filter((line) => line !== "")
    .map((line) => JSON.parse(line));
  for (const name of frameworkNames) {
    await t.step(name, async (t) => {
      const own = results.filter(({ server }) => server === name);
      for (const { title, error } of own) {
        await t.step(title, () => {
          if (error !== undefined) throw new Error(error);
        });
      }
      assert.equal(own.length, CASES);
    });
  }
  // A leaked socket or timer keeps the process alive until the deadline.
  assert.deepEqual({ code, signal }, { code: 0, signal: null }, decoder.decode(stderr));
}
