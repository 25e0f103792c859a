// `deno task bench ws`: compares programs written for `ws` with `ws` and with `quickws/ws`; only
// one line differs. For an echo, a broadcast and socket.io, measures the server's CPU time per
// message and its resident memory per idle connection. Rounds alternate.
//
//   deno task bench ws [--rounds 5] [--seconds 2] [--runtimes node,bun,deno] [--quick] [--dry]

import { drawWs } from "../plot/plots.ts";
import { writeTables } from "../plot/tables.ts";
import {
  type Case,
  chooseRuntimes,
  compareCases,
  comparisonConditions,
  report,
} from "../run/compare.ts";
import { parseOptions } from "../run/options.ts";
import { onLoadCore, onServerCore } from "../support/cores.ts";
import {
  collectable,
  commandFor,
  linesOf,
  nextLine,
  type RuntimeName,
  start,
  stop,
} from "../support/runtimes.ts";
import type { WsLoadResult, WsLoadSettings } from "./load.ts";
import type { WsServerSettings } from "./server.ts";

const options = parseOptions(["ws", ...Deno.args]);
const { rounds, seconds, warmUp, quick } = options;
const idle = quick ? 500 : 5000;

interface WsCase extends Omit<Case, "measure"> {
  load: Pick<WsLoadSettings, "program" | "connections" | "depth" | "payload">;
  figure: (result: WsLoadResult) => number;
}

function cpu(
  key: string,
  title: string,
  program: WsServerSettings["program"],
  connections: number,
  depth: number,
): WsCase {
  return {
    key,
    title: `${title}, us`,
    decimals: 2,
    load: { program, connections, depth, payload: 128 },
    figure: ({ cpu }) => cpu,
  };
}

function memory(key: string, title: string, program: WsServerSettings["program"]): WsCase {
  return {
    key,
    title: `${title}, bytes`,
    decimals: 0,
    load: { program, connections: idle, depth: 0, payload: 1 },
    figure: ({ memory }) => memory,
  };
}

const CASES: WsCase[] = [
  cpu("echo 1", "echo, 1 in flight", "echo", 100, 1),
  cpu("echo 32", "echo, 32 in flight", "echo", 100, 32),
  cpu("broadcast", "broadcast to 1,000, one delivery", "broadcast", 1000, 1),
  cpu("socket.io 1", "socket.io echo, 1 in flight", "socket.io", 100, 1),
  cpu("socket.io 32", "socket.io echo, 32 in flight", "socket.io", 100, 32),
  memory("idle", "idle connection", "echo"),
  memory("socket.io idle", "idle connection of socket.io", "socket.io"),
];

const VARIANTS: WsServerSettings["module"][] = ["ws", "quickws/ws"];

/** Runs one case once, in separate processes. */
async function measure(
  runtime: RuntimeName,
  module: string,
  { load, figure }: WsCase,
): Promise<number> {
  const server = start(onServerCore(collectable(
    runtime,
    commandFor(runtime, "ws/server.ts", JSON.stringify({ module, program: load.program })),
  )));
  try {
    const port = Number(await nextLine(linesOf(server)));
    const settings: WsLoadSettings = {
      ...load,
      port,
      pid: server.pid,
      warmUp: warmUp * 1000,
      duration: seconds * 1000,
    };
    const client = start(onLoadCore(commandFor("node", "ws/load.ts", JSON.stringify(settings))));
    try {
      return figure(JSON.parse(await nextLine(linesOf(client))));
    } finally {
      await stop(client);
    }
  } finally {
    await stop(server);
  }
}

for (const runtime of chooseRuntimes(options.runtimes, ["node", "bun", "deno"])) {
  const conditions = comparisonConditions(runtime, "Node", options, ["ws", "socket.io"]);
  const cases = CASES.map((each): Case => ({
    ...each,
    measure: (variant) => measure(runtime, variant, each),
  }));
  const setup = { runtime, conditions, variants: VARIANTS, quickws: "quickws/ws" };
  report("ws.json", await compareCases(setup, cases, rounds), options.dry);
}
if (!options.dry) {
  drawWs();
  writeTables();
}
