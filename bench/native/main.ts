// `deno task bench native`: HTTP and WebSockets on one port of Bun.serve or Deno.serve. Compares
// `createSockets` with the runtime's own handlers and crossws: CPU time of the server per request,
// echo and delivery, and resident memory per idle connection. Rounds alternate.
//
//   deno task bench native [--rounds 5] [--seconds 2] [--runtimes bun,deno] [--quick] [--dry]

import { connect, type Connection } from "../../mod.ts";
import { writeTables } from "../plot/tables.ts";
import {
  type Case,
  chooseRuntimes,
  compareCases,
  comparisonConditions,
  report,
} from "../run/compare.ts";
import { parseOptions } from "../run/options.ts";
import { moveToLoadCore, onServerCore } from "../support/cores.ts";
import {
  collectable,
  commandFor,
  linesOf,
  nextLine,
  type RuntimeName,
  start,
  stop,
} from "../support/runtimes.ts";

const options = parseOptions(["native", ...Deno.args]);
const { rounds, seconds, warmUp, quick } = options;
const idleConnections = quick ? 500 : 10_000;

/** A server in a separate process. */
class ServerProcess {
  readonly #child: Deno.ChildProcess;
  readonly origin: string;

  constructor(child: Deno.ChildProcess, origin: string) {
    this.#child = child;
    this.origin = origin;
  }

  static async start(runtime: RuntimeName, variant: string): Promise<ServerProcess> {
    const command = collectable(runtime, commandFor(runtime, "native/server.ts", variant));
    const child = start(onServerCore(command));
    const port = await nextLine(linesOf(child));
    return new ServerProcess(child, `http://127.0.0.1:${port}`);
  }

  /** Returns the CPU time so far, in microseconds. */
  async cpu(): Promise<number> {
    return (await (await fetch(`${this.origin}/usage`)).json()).cpu;
  }

  /** Collects garbage and returns the resident memory in bytes. */
  async memory(): Promise<number> {
    await pause(1000);
    return (await (await fetch(`${this.origin}/memory`)).json()).resident;
  }

  /** Opens connections, at most 100 at a time. */
  async open(
    count: number,
    message: (conn: Connection<undefined>) => void,
  ): Promise<Connection<undefined>[]> {
    const url = `${this.origin.replace("http", "ws")}/ws`;
    const connections: Connection<undefined>[] = [];
    while (connections.length < count) {
      const some = Math.min(100, count - connections.length);
      connections.push(
        ...await Promise.all(Array.from({ length: some }, () => connect(url, { message }))),
      );
    }
    return connections;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stop(this.#child);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Returns the server's CPU time per unit counted after the warm-up, in microseconds. */
async function perUnit(server: ServerProcess, count: () => number): Promise<number> {
  await pause(warmUp * 1000);
  const [cpu, counted] = [await server.cpu(), count()];
  await pause(seconds * 1000);
  const used = await server.cpu() - cpu;
  if (count() === counted) throw new Error("No reply was received");
  return used / (count() - counted);
}

/** Measures echoes on 50 connections. */
async function echo(server: ServerProcess, depth: number): Promise<number> {
  let count = 0;
  const payload = new Uint8Array(128);
  const connections = await server.open(50, (conn) => {
    count++;
    conn.send(payload);
  });
  for (const conn of connections) {
    for (let index = 0; index < depth; index++) conn.send(payload);
  }
  const cost = await perUnit(server, () => count);
  for (const conn of connections) conn.terminate();
  return cost;
}

/** Measures HTTP requests, several at a time. */
async function request(server: ServerProcess, path: string, parallel: number): Promise<number> {
  let isOver = false;
  let count = 0;
  const ask = async (): Promise<void> => {
    while (!isOver) {
      await (await fetch(`${server.origin}${path}`)).text();
      count++;
    }
  };
  const asking = Array.from({ length: parallel }, ask);
  const cost = await perUnit(server, () => count);
  isOver = true;
  await Promise.all(asking);
  return cost;
}

/** Measures a delivery of a message that is published to 200 connections. */
async function publish(server: ServerProcess): Promise<number> {
  const connections = await server.open(200, () => {});
  const cost = await request(server, "/publish", 1);
  for (const conn of connections) conn.terminate();
  return cost / 200;
}

/** Measures the memory per idle connection in bytes. */
async function idle(server: ServerProcess): Promise<number> {
  const [first] = await server.open(1, () => {});
  const before = await server.memory();
  const connections = await server.open(idleConnections, () => {});
  const cost = (await server.memory() - before) / idleConnections;
  first!.terminate();
  for (const conn of connections) conn.terminate();
  return cost;
}

interface NativeCase extends Omit<Case, "measure"> {
  measure: (server: ServerProcess) => Promise<number>;
}

const CASES: NativeCase[] = [
  {
    key: "http",
    title: "HTTP request, us",
    decimals: 2,
    measure: (server) => request(server, "/", 8),
  },
  {
    key: "echo 1",
    title: "echo, 1 in flight, us",
    decimals: 2,
    measure: (server) => echo(server, 1),
  },
  {
    key: "echo 32",
    title: "echo, 32 in flight, us",
    decimals: 2,
    measure: (server) => echo(server, 32),
  },
  { key: "publish", title: "publish to 200, one delivery, us", decimals: 2, measure: publish },
  { key: "idle", title: "idle connection, bytes", decimals: 0, measure: idle },
];

moveToLoadCore(Deno.pid);
for (const runtime of chooseRuntimes(options.runtimes, ["bun", "deno"])) {
  const conditions = comparisonConditions(runtime, "Deno", options, ["crossws"]);
  const native = runtime === "bun" ? "Bun.serve" : "Deno.serve";
  const cases = CASES.map((each): Case => ({
    ...each,
    measure: async (variant) => {
      const name = variant === native ? "native" : variant;
      await using server = await ServerProcess.start(runtime, name);
      return await each.measure(server);
    },
  }));
  const variants = [native, "createSockets", "crossws"];
  const setup = { runtime, conditions, variants, quickws: "createSockets" };
  report("native.json", await compareCases(setup, cases, rounds), options.dry);
}
if (!options.dry) writeTables();
Deno.exit();
