// Server CPU time for one echoed, compressed JSON message beside the runtimes' usual servers:
// `deno run -A bench/deflate/echo/main.ts`. CPU time is read from /proc, so this needs Linux.

import { parseArgs } from "node:util";
import { commandFor, linesOf, nextLine, type RuntimeName, start } from "../../support/runtimes.ts";
import { median, table } from "../../support/table.ts";
import type { CompressedEchoes, CompressedLoad } from "./load.ts";

/** What is measured: a name, a runtime and a module in `servers`. */
const SERVERS: readonly [name: string, RuntimeName, module: string][] = [
  ["quickws", "node", "quickws"],
  ["ws", "node", "ws_node"],
  ["quickws", "bun", "quickws"],
  ["Bun.serve", "bun", "serve_bun"],
  ["quickws", "deno", "quickws"],
];

const { values: options } = parseArgs({
  args: Deno.args,
  options: {
    connections: { type: "string", default: "50" },
    size: { type: "string", default: "1024" },
    seconds: { type: "string", default: "2" },
    rounds: { type: "string", default: "3" },
  },
});

interface Result {
  /** Microseconds of the server's CPU time for one message. */
  cpu: number;
  /** Bytes of a reply beside those of the message. */
  ratio: number;
}

/** How /proc counts time: in hundredths of a second, on every Linux that these runtimes support. */
const CLOCK_TICKS = 100;

/** Seconds of CPU time that a process has used, in all its threads. */
async function cpuSeconds(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  // The second field, the program's name, may hold spaces; the times are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

async function run(runtime: RuntimeName, module: string, takeover: boolean): Promise<Result> {
  const path = `deflate/echo/servers/${module}.ts`;
  const server = start(commandFor(runtime, path, String(takeover)));
  const port = Number(await nextLine(linesOf(server)));
  const size = Number(options.size);
  const load: CompressedLoad = {
    port,
    connections: Number(options.connections),
    size,
    takeover,
    warmUp: 1500,
    duration: Number(options.seconds) * 1000,
  };
  const client = start(commandFor("node", "deflate/echo/load.ts", JSON.stringify(load)));
  try {
    const output = linesOf(client);
    await nextLine(output);
    const before = await cpuSeconds(server.pid);
    const { messages, received }: CompressedEchoes = JSON.parse(await nextLine(output));
    const cpu = await cpuSeconds(server.pid) - before;
    await client.status;
    return { cpu: cpu * 1e6 / messages, ratio: received / messages / size };
  } finally {
    server.kill();
    await server.status;
  }
}

for (const takeover of [false, true]) {
  // In rounds, so that a noisy moment of the machine does not hit one server alone.
  const results = SERVERS.map((): Result[] => []);
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [index, [, runtime, module]] of SERVERS.entries()) {
      results[index]!.push(await run(runtime, module, takeover));
    }
  }
  const figures = results.map((rounds) => ({
    cpu: median(rounds.map(({ cpu }) => cpu)),
    ratio: median(rounds.map(({ ratio }) => ratio)),
  }));
  const rows = SERVERS.map(([name, runtime], index) => {
    const { cpu, ratio } = figures[index]!;
    const other = SERVERS.findIndex(([name, of]) => name !== "quickws" && of === runtime);
    const beside = name === "quickws" && other !== -1 ? cpu / figures[other]!.cpu : undefined;
    return [
      `${runtime}: ${name}`,
      cpu.toFixed(1),
      beside?.toFixed(2) ?? "",
      ratio.toFixed(3),
    ];
  });
  const title = `${options.size} B of JSON, ${takeover ? "with" : "without"} takeover`;
  console.log(table([[title, "us of CPU", "beside the other", "size"], ...rows]));
}
