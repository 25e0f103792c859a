// Server CPU time for one echoed message, beside the raw socket of the same runtime and the runtime's
// usual WebSocket server: `deno task bench:echo`. CPU time is read from /proc, so this needs Linux.

import { parseArgs } from "node:util";
import { commandFor, linesOf, nextLine, type RuntimeName, start } from "../support/runtimes.ts";
import { median, table } from "../support/table.ts";
import type { Load } from "./load.ts";

/** What is measured: a name, a runtime, a module in `servers`, and whether it speaks WebSocket. */
const SERVERS: readonly [name: string, RuntimeName, module: string, webSocket: boolean][] = [
  ["raw socket", "deno", "raw_deno", false],
  ["quickws", "deno", "quickws", true],
  ["Deno.upgradeWebSocket", "deno", "upgrade_deno", true],
  ["raw socket", "bun", "raw_bun", false],
  ["quickws", "bun", "quickws", true],
  ["Bun.serve", "bun", "serve_bun", true],
  ["raw socket", "node", "raw_node", false],
  ["quickws", "node", "quickws", true],
  ["ws", "node", "ws_node", true],
];

const { values: options } = parseArgs({
  args: Deno.args,
  options: {
    connections: { type: "string", default: "100" },
    depth: { type: "string", default: "1" },
    size: { type: "string", default: "128" },
    seconds: { type: "string", default: "2" },
    rounds: { type: "string", default: "3" },
    /** Measures only what has this in its name, for example "bun" or "quickws". */
    only: { type: "string", default: "" },
  },
});

interface Result {
  /** Microseconds of the server's CPU time for one message. */
  cpu: number;
  /** Messages per second. */
  rate: number;
  /** MiB of resident memory under load. */
  memory: number;
}

/** How /proc counts time: in hundredths of a second, on every Linux that these runtimes support. */
const CLOCK_TICKS = 100;

/** Seconds of CPU time that a process has used. */
async function cpuSeconds(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  // The second field, the program's name, may hold spaces; the times are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

async function residentMiB(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

async function run(runtime: RuntimeName, module: string, webSocket: boolean): Promise<Result> {
  // Each has a core of its own, so that the load does not take the server's time.
  const server = start([
    "taskset",
    "--cpu-list",
    "0",
    ...commandFor(runtime, `echo/servers/${module}.ts`),
  ]);
  const port = Number(await nextLine(linesOf(server)));
  const load: Load = {
    port,
    webSocket,
    connections: Number(options.connections),
    depth: Number(options.depth),
    size: Number(options.size),
    warmUp: 1000,
    duration: Number(options.seconds) * 1000,
  };
  const command = commandFor("node", "echo/load.ts", JSON.stringify(load));
  const client = start(["taskset", "--cpu-list", "1", ...command]);
  try {
    const output = linesOf(client);
    await nextLine(output);
    const before = await cpuSeconds(server.pid);
    const { messages, seconds } = JSON.parse(await nextLine(output));
    const cpu = await cpuSeconds(server.pid) - before;
    const memory = await residentMiB(server.pid);
    await client.status;
    return { cpu: cpu * 1e6 / messages, rate: messages / seconds, memory };
  } finally {
    server.kill();
    await server.status;
  }
}

const chosen = SERVERS.filter(([name, runtime]) => `${runtime}: ${name}`.includes(options.only));

// In rounds, so that a noisy moment of the machine does not hit one server alone.
const results = chosen.map((): Result[] => []);
for (let round = 0; round < Number(options.rounds); round++) {
  for (const [index, [, runtime, module, webSocket]] of chosen.entries()) {
    results[index]!.push(await run(runtime, module, webSocket));
  }
}

const figures = results.map((rounds) => ({
  cpu: median(rounds.map(({ cpu }) => cpu)),
  rate: median(rounds.map(({ rate }) => rate)),
  memory: median(rounds.map(({ memory }) => memory)),
}));
const rows = chosen.map(([name, runtime], index) => {
  const { cpu, rate, memory } = figures[index]!;
  const rawIndex = chosen.findIndex(([other, of]) => other === "raw socket" && of === runtime);
  const raw = figures[rawIndex];
  return [
    `${runtime}: ${name}`,
    cpu.toFixed(2),
    raw ? (cpu / raw.cpu).toFixed(2) : "",
    rate.toFixed(0),
    memory.toFixed(0),
  ];
});
console.log(
  `${options.connections} connections, ${options.depth} messages in flight on each, ` +
    `${options.size} bytes a message, median of ${options.rounds} rounds of ${options.seconds} s\n`,
);
console.log(
  table([["", "CPU us/message", "of raw", "messages/s", "MiB"], ...rows]),
);
