// `deno task bench ws`: the cost of programs written for `ws` (an echo, a broadcast and socket.io), with
// `ws` and with this library; only the import differs. Measures the server's CPU time per message and
// the resident memory per idle connection. Rounds alternate.
//
//   deno task bench ws [--rounds 5] [--seconds 3] [--runtimes node,deno,bun] [--quick]

import { parseArgs } from "node:util";
import {
  commandFor,
  linesOf,
  nextLine,
  type RuntimeName,
  start,
  stop,
} from "../support/runtimes.ts";
import { median, table } from "../support/table.ts";
import type { WsLoadResult, WsLoadSettings } from "./load.ts";
import type { WsServerSettings } from "./server.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    runtimes: { type: "string", default: "node" },
    quick: { type: "boolean", default: false },
  },
});
const rounds = values.quick ? 1 : Number(values.rounds);
const duration = (values.quick ? 1 : Number(values.seconds)) * 1000;
const idle = values.quick ? 500 : 5000;

type Case = Pick<WsLoadSettings, "program" | "connections" | "depth" | "payload">;

const CASES: Record<string, Case> = {
  "echo, 128 B, 1 in flight": { program: "echo", connections: 100, depth: 1, payload: 128 },
  "echo, 128 B, 32 in flight": { program: "echo", connections: 100, depth: 32, payload: 128 },
  "broadcast, 128 B to 1000": { program: "broadcast", connections: 1000, depth: 1, payload: 128 },
  "socket.io echo, 1 in flight": {
    program: "socket.io",
    connections: 100,
    depth: 1,
    payload: 128,
  },
  "socket.io echo, 32 in flight": {
    program: "socket.io",
    connections: 100,
    depth: 32,
    payload: 128,
  },
};

const IDLE: Record<string, Case> = {
  "ws, idle": { program: "echo", connections: idle, depth: 0, payload: 1 },
  "socket.io, idle": { program: "socket.io", connections: idle, depth: 0, payload: 1 },
};

const MODULES = ["ws", "quickws"] as const;

/** Runs one case once, in separate processes. */
async function measure(
  runtime: RuntimeName,
  module: WsServerSettings["module"],
  wanted: Case,
): Promise<WsLoadResult> {
  const [command, ...args] = commandFor(
    runtime,
    "ws/server.ts",
    JSON.stringify({ module, program: wanted.program } satisfies WsServerSettings),
  );
  const gc = runtime === "node" ? ["--expose-gc"] : [];
  const server = start([command!, ...gc, ...args]);
  try {
    const port = Number(await nextLine(linesOf(server)));
    const settings: WsLoadSettings = {
      ...wanted,
      port,
      pid: server.pid,
      warmUp: duration / 2,
      duration,
    };
    const load = start(commandFor("node", "ws/load.ts", JSON.stringify(settings)));
    try {
      return JSON.parse(await nextLine(linesOf(load)));
    } finally {
      await stop(load);
    }
  } finally {
    await stop(server);
  }
}

/** Returns the medians of both modules over alternating rounds. */
async function compare(
  runtime: RuntimeName,
  figure: (result: WsLoadResult) => number,
  wanted: Case,
): Promise<number[]> {
  const found: Record<string, number[]> = { ws: [], quickws: [] };
  for (let round = 0; round < rounds; round++) {
    // Alternate the order.
    for (const module of round % 2 === 0 ? MODULES : [...MODULES].reverse()) {
      found[module]!.push(figure(await measure(runtime, module, wanted)));
    }
  }
  return MODULES.map((module) => median(found[module]!));
}

for (const runtime of values.runtimes.split(",") as RuntimeName[]) {
  const rows = [["", "ws", "quickws", "quickws / ws"]];
  const row = (name: string, [ws, quickws]: number[], digits: number): void => {
    rows.push([name, ws!.toFixed(digits), quickws!.toFixed(digits), (quickws! / ws!).toFixed(2)]);
  };
  for (const [name, wanted] of Object.entries(CASES)) {
    row(`${name} (us)`, await compare(runtime, ({ cpu }) => cpu, wanted), 2);
  }
  for (const [name, wanted] of Object.entries(IDLE)) {
    const few = { ...wanted, connections: 1 };
    const base = await compare(runtime, ({ resident }) => resident, few);
    const full = await compare(runtime, ({ resident }) => resident, wanted);
    const each = full.map((bytes, index) => (bytes - base[index]!) / (wanted.connections - 1));
    row(`${name} (bytes per connection)`, each, 0);
  }
  console.log(`\n${runtime}, ${rounds} rounds\n\n${table(rows)}`);
}
