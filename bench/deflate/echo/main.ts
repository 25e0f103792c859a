// Server CPU time per echoed, compressed JSON message, compared with each runtime's usual server:
// `deno run -A bench/deflate/echo/main.ts`. Needs Linux, because CPU time is read from /proc.

import { parseArgs } from "node:util";
import { commandFor, linesOf, nextLine, start } from "../../support/runtimes.ts";
import { median, table } from "../../support/table.ts";
import type { CompressionMode } from "./client.ts";
import type { CompressedEchoes, CompressedLoad } from "./load.ts";
import { type BenchServer, SERVERS } from "./servers.ts";

const { values: options } = parseArgs({
  args: Deno.args,
  options: {
    connections: { type: "string", default: "50" },
    sizes: { type: "string", default: "64,256,1024,4096,16384,65536" },
    rounds: { type: "string", default: "3" },
  },
});

/** The approximate number of bytes per measurement. The number of messages is bounded, too. */
const BYTES = 1 << 24;

interface Result {
  /** The server's CPU time per message, in microseconds. */
  cpu: number;
  /** Reply size divided by message size. */
  ratio: number;
}

/** Returns the CPU time of all threads of a process, from the scheduler, in seconds. */
async function cpuSeconds(pid: number): Promise<number> {
  let nanoseconds = 0;
  for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
    const statistics = await Deno.readTextFile(`/proc/${pid}/task/${name}/schedstat`);
    nanoseconds += Number(statistics.split(" ")[0]);
  }
  return nanoseconds / 1e9;
}

async function run(
  [, runtime, module]: BenchServer,
  mode: CompressionMode,
  size: number,
): Promise<Result> {
  const server = start(commandFor(runtime, `deflate/echo/servers/${module}.ts`, mode));
  const port = Number(await nextLine(linesOf(server)));
  const load: CompressedLoad = {
    port,
    connections: Number(options.connections),
    size,
    mode,
    messages: Math.max(500, Math.min(15000, Math.floor(BYTES / size))),
  };
  const client = start(commandFor("node", "deflate/echo/load.ts", JSON.stringify(load)));
  try {
    const output = linesOf(client);
    await nextLine(output);
    const before = await cpuSeconds(server.pid);
    const { received }: CompressedEchoes = JSON.parse(await nextLine(output));
    const cpu = await cpuSeconds(server.pid) - before;
    return { cpu: cpu * 1e6 / load.messages, ratio: received / load.messages / size };
  } finally {
    for (const child of [client, server]) {
      child.kill();
      await child.status;
    }
  }
}

/** Returns the medians of each server. */
async function measure(mode: CompressionMode, size: number): Promise<Result[]> {
  // Alternate the servers, so that a disturbance affects all of them.
  const results = SERVERS.map((): Result[] => []);
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [index, server] of SERVERS.entries()) {
      results[index]!.push(await run(server, mode, size));
    }
  }
  return results.map((rounds) => ({
    cpu: median(rounds.map(({ cpu }) => cpu)),
    ratio: median(rounds.map(({ ratio }) => ratio)),
  }));
}

const sizes = options.sizes.split(",").map(Number);
for (const mode of ["alone", "takeover"] as const) {
  const figures: Result[][] = [];
  for (const size of sizes) figures.push(await measure(mode, size));
  const what = "CPU us per JSON echo, by message size in bytes (reply size / message size)";
  console.log(`\n${what}, ${mode === "alone" ? "without" : "with"} takeover\n`);
  const rows = [["", ...sizes.map(String)]];
  for (const [index, [name, runtime]] of SERVERS.entries()) {
    rows.push([
      `${runtime}: ${name}`,
      ...figures.map((of) => `${of[index]!.cpu.toPrecision(3)} (${of[index]!.ratio.toFixed(3)})`),
    ]);
    if (name === "quickws") continue;
    const own = SERVERS.findIndex(([name, of]) => name === "quickws" && of === runtime);
    rows.push([
      `${runtime}: quickws vs. ${name}`,
      ...figures.map((of) => (of[own]!.cpu / of[index]!.cpu).toFixed(2)),
    ]);
  }
  console.log(table(rows));
}
