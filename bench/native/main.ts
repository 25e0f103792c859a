// HTTP and WebSockets on one port of Bun.serve or Deno.serve: `createSockets` compared with the
// runtime's own handlers and crossws. Measures server CPU time in microseconds per echo, request and
// published message, and the memory of idle connections.
//
//   deno run -A bench/native/main.ts [--runtimes bun,deno] [--seconds 3] [--rounds 3] [--idle 10000]

import { parseArgs } from "node:util";
import { connect, type Connection } from "../../mod.ts";
import { runtimeCommand, type RuntimeName } from "../../tests/support/runtimes.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    runtimes: { type: "string", default: "bun,deno" },
    seconds: { type: "string", default: "3" },
    rounds: { type: "string", default: "3" },
    idle: { type: "string", default: "10000" },
  },
});
const seconds = Number(values.seconds);
const VARIANTS = ["native", "quickws", "crossws"];
const module = new URL("server.ts", import.meta.url).pathname;

/** One server in a separate process. */
class ServerProcess {
  readonly #child: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<string>;
  readonly origin: string;

  constructor(
    child: Deno.ChildProcess,
    output: ReadableStreamDefaultReader<string>,
    origin: string,
  ) {
    this.#child = child;
    this.#output = output;
    this.origin = origin;
  }

  static async start(runtime: RuntimeName, variant: string): Promise<ServerProcess> {
    const { command, args } = runtimeCommand(runtime, module, variant);
    const child = new Deno.Command(command, { args, stdout: "piped", stderr: "inherit" }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const { value = "" } = await reader.read();
    return new ServerProcess(child, reader, `http://127.0.0.1:${Number(value)}`);
  }

  async usage(): Promise<{ cpu: number; rss: number }> {
    return await (await fetch(`${this.origin}/usage`)).json();
  }

  open(message: (conn: Connection<undefined>) => void): Promise<Connection<undefined>> {
    return connect(`${this.origin.replace("http", "ws")}/ws`, { message });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#output.cancel();
  }
}

/** Returns the server's CPU time per counted unit, in microseconds. */
async function perUnit(server: ServerProcess, count: () => number): Promise<number> {
  const before = { ...await server.usage(), count: count() };
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const { cpu } = await server.usage();
  return (cpu - before.cpu) / Math.max(1, count() - before.count);
}

/** Echoes on 50 connections with a number of messages in flight on each. */
async function echo(server: ServerProcess, depth: number): Promise<number> {
  let count = 0;
  const payload = new Uint8Array(128);
  const connections = await Promise.all(Array.from({ length: 50 }, () =>
    server.open((conn) => {
      count++;
      conn.send(payload);
    })));
  for (const conn of connections) for (let i = 0; i < depth; i++) conn.send(payload);
  const cost = await perUnit(server, () => count);
  for (const conn of connections) conn.terminate();
  return cost;
}

/** HTTP requests, eight concurrently. */
async function http(server: ServerProcess): Promise<number> {
  let count = 0;
  let isOver = false;
  const ask = async (): Promise<void> => {
    while (!isOver) {
      await (await fetch(`${server.origin}/`)).text();
      count++;
    }
  };
  const asking = Array.from({ length: 8 }, ask);
  const cost = await perUnit(server, () => count);
  isOver = true;
  await Promise.all(asking);
  return cost;
}

/** Messages published to 200 connections, per delivery. */
async function publish(server: ServerProcess): Promise<number> {
  let count = 0;
  let isOver = false;
  const connections = await Promise.all(
    Array.from({ length: 200 }, () => server.open(() => void count++)),
  );
  const ask = async (): Promise<void> => {
    while (!isOver) await (await fetch(`${server.origin}/publish`)).text();
  };
  const asking = ask();
  const cost = await perUnit(server, () => count);
  isOver = true;
  await asking;
  for (const conn of connections) conn.terminate();
  return cost;
}

/** Memory per idle connection, in bytes. */
async function idle(server: ServerProcess): Promise<number> {
  const total = Number(values.idle);
  const before = (await server.usage()).rss;
  const connections: Connection<undefined>[] = [];
  while (connections.length < total) {
    const some = Array.from(
      { length: Math.min(100, total - connections.length) },
      () => server.open(() => {}),
    );
    connections.push(...await Promise.all(some));
  }
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const { rss } = await server.usage();
  for (const conn of connections) conn.terminate();
  return (rss - before) / total;
}

const MEASURES = {
  "echo, 1 in flight (us)": (server: ServerProcess) => echo(server, 1),
  "echo, 32 in flight (us)": (server: ServerProcess) => echo(server, 32),
  "HTTP request (us)": http,
  "publish, a delivery (us)": publish,
  "idle connection (bytes)": idle,
};

function median(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[figures.length >> 1]!;
}

for (const runtime of values.runtimes.split(",") as RuntimeName[]) {
  console.log(
    `\n| ${runtime} | ${
      VARIANTS.join(" | ")
    } | quickws / native |\n| --- | --- | --- | --- | --- |`,
  );
  for (const [name, measure] of Object.entries(MEASURES)) {
    const figures: number[][] = VARIANTS.map(() => []);
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const [index, variant] of VARIANTS.entries()) {
        await using server = await ServerProcess.start(runtime, variant);
        figures[index]!.push(await measure(server));
      }
    }
    const medians = figures.map(median);
    const cells = medians.map((figure) => figure.toFixed(figure > 100 ? 0 : 2));
    console.log(`| ${name} | ${cells.join(" | ")} | ${(medians[1]! / medians[0]!).toFixed(2)} |`);
  }
}
