// Our server with other clients, our client with other servers, and the two with each other, all in
// real processes: each pair holds the same conversation.

import { fileURLToPath } from "node:url";
import { runtimeCommand, type RuntimeName, runtimeNames } from "../support/runtimes.ts";
import type { StepResult } from "./conversation.ts";

/** A program of ours in `programs`, and what it runs on. */
interface Program {
  readonly name: string;
  readonly runtime: RuntimeName;
  readonly module: string;
}

/** Milliseconds that one conversation may take on a busy machine. */
const DEADLINE = 60_000;

const OUR_SERVERS = runtimeNames.map((runtime) => program("our server", runtime, "server_quickws"));
const OUR_CLIENTS = runtimeNames.map((runtime) => program("our client", runtime, "client_quickws"));

const OTHER_SERVERS = [
  program("the server of ws", "node", "server_ws"),
  program("Deno.upgradeWebSocket", "deno", "server_deno"),
  program("Bun.serve", "bun", "server_bun"),
];

const OTHER_CLIENTS = [
  program("the client of ws", "node", "client_ws"),
  program("Deno's WebSocket", "deno", "client_web"),
  program("Bun's WebSocket", "bun", "client_web"),
];

function program(name: string, runtime: RuntimeName, module: string): Program {
  return { name: `${name} on ${runtime}`, runtime, module };
}

function start({ runtime, module }: Program, ...args: string[]): Deno.ChildProcess {
  const path = fileURLToPath(new URL(`programs/${module}.ts`, import.meta.url));
  const { command, args: all } = runtimeCommand(runtime, path, ...args);
  return new Deno.Command(command, { args: all, stdout: "piped", stderr: "inherit" }).spawn();
}

/** The lines that a process prints, until it ends or the reader does. */
async function* linesOf(process: Deno.ChildProcess): AsyncGenerator<string, void> {
  let rest = "";
  for await (const text of process.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

async function stop(process: Deno.ChildProcess): Promise<void> {
  try {
    process.kill("SIGKILL");
  } catch {
    // It has ended by itself.
  }
  await process.status;
}

async function converse(t: Deno.TestContext, url: string, client: Program): Promise<void> {
  const process = start(client, url);
  const timer = setTimeout(() => process.kill("SIGKILL"), DEADLINE);
  try {
    for await (const line of linesOf(process)) {
      const { step, error }: StepResult = JSON.parse(line);
      await t.step(step, () => {
        if (error !== undefined) throw new Error(error);
      });
    }
    const { success, code, signal } = await process.status;
    if (!success) throw new Error(`the client ended with exit code ${code}, signal ${signal}`);
  } finally {
    clearTimeout(timer);
    await stop(process);
  }
}

function testServer(server: Program, clients: readonly Program[]): void {
  Deno.test(`interop of ${server.name}`, async (t) => {
    const process = start(server);
    const lines = linesOf(process);
    try {
      const { value: port } = await lines.next();
      if (port === undefined) throw new Error(`${server.name} did not start`);
      for (const client of clients) {
        await t.step(`with ${client.name}`, (t) => converse(t, `ws://127.0.0.1:${port}/`, client));
      }
    } finally {
      await stop(process);
      await lines.return();
    }
  });
}

for (const server of OUR_SERVERS) testServer(server, [...OUR_CLIENTS, ...OTHER_CLIENTS]);
for (const server of OTHER_SERVERS) testServer(server, OUR_CLIENTS);
