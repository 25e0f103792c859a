// WebSockets on the HTTP servers of Express, Fastify, Koa, Hono and `node:http` itself, each in a real
// process: of Node, and of Deno and Bun, which run them as well.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { runtimeCommand, type RuntimeName, runtimeNames } from "../support/runtimes.ts";
import { frameworkNames } from "./framework_names.ts";
import type { CaseResult } from "./run_framework.ts";

/** Three ways to add WebSockets to a server, with the same cases for each. */
const CASES = 3 * 4;

/** Milliseconds that one process may take on a busy machine. */
const DEADLINE = 240_000;

const program = fileURLToPath(new URL("run_framework.ts", import.meta.url));

for (const name of frameworkNames) {
  for (const runtime of runtimeNames) {
    Deno.test(`WebSockets on the server of ${name} on ${runtime}`, (t) => test(t, name, runtime));
  }
}

async function test(t: Deno.TestContext, name: string, runtime: RuntimeName): Promise<void> {
  const { command, args } = runtimeCommand(runtime, program, name);
  const process = new Deno.Command(command, { args, stdout: "piped", stderr: "piped" }).spawn();
  const timer = setTimeout(() => process.kill("SIGKILL"), DEADLINE);
  const { code, signal, stdout, stderr } = await process.output();
  clearTimeout(timer);
  const decoder = new TextDecoder();
  const lines = decoder.decode(stdout).split("\n").filter((line) => line !== "");
  for (const line of lines) {
    const { title, error }: CaseResult = JSON.parse(line);
    await t.step(title, () => {
      if (error !== undefined) throw new Error(error);
    });
  }
  // A socket or a timer that is left behind keeps the process until the deadline.
  assert.deepEqual({ code, signal }, { code: 0, signal: null }, decoder.decode(stderr));
  assert.equal(lines.length, CASES);
}
