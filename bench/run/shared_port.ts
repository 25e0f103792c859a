// Measures the same load on one server process, and on two that share a port.

import type { Workload } from "../catalog/workloads.ts";
import { framesOf } from "../load/frames.ts";
import type { Generator } from "../load/generator.ts";
import type { Load, LoadResult } from "../load/load.ts";
import { Opcode } from "../../src/core.ts";
import type { ServerSettings } from "../servers/settings.ts";
import { cpuSecondsOf, onServerCore, pinned } from "../support/cores.ts";
import {
  commandFor,
  linesOf,
  nextLine,
  type RuntimeName,
  start,
  stop,
} from "../support/runtimes.ts";
import { median } from "../support/table.ts";
import { OFFERS } from "./measure.ts";
import { progress } from "./progress.ts";
import type { Effort } from "./rounds.ts";

/** The medians on one runtime. */
export interface CoresOutcome {
  runtime: RuntimeName;
  processes: number;
  /** Messages per second. */
  rate: number;
  /** Total CPU time of all processes per message, in microseconds. */
  cpu: number;
  /** Each process's share of the CPU time, largest first. */
  shares: number[];
}

/** The runtimes to measure, without Node: `reusePort` needs Node 22.12. */
export const SHARING: readonly RuntimeName[] = ["bun", "deno"];

/** Compressed JSON: the generator shares the cores, so its cost must be small in comparison. */
export const SHARED_LOAD: Workload = {
  kind: "echo",
  connections: 100,
  payload: 1024,
  depth: 8,
  text: true,
  compression: "alone",
};

/** Measures one and two processes alternately. */
export async function measureCores(
  generator: Generator,
  { rounds, seconds }: Effort,
): Promise<CoresOutcome[]> {
  const outcomes: CoresOutcome[] = [];
  for (const runtime of SHARING) {
    const found = new Map<number, { result: LoadResult; shares: number[] }[]>([[1, []], [2, []]]);
    for (let round = 0; round < rounds; round++) {
      for (const [processes, results] of found) {
        progress(`round ${round + 1} of ${rounds}, ${processes} processes on ${runtime}`);
        results.push(await run(runtime, processes, generator, seconds * 1000));
      }
    }
    for (const [processes, results] of found) {
      outcomes.push({
        runtime,
        processes,
        rate: median(results.map(({ result }) => result.messages / result.seconds)),
        cpu: median(results.map(({ result }) => result.cpu * 1e6 / result.messages)),
        shares: results[results.length >> 1]!.shares,
      });
    }
  }
  progress();
  return outcomes;
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function run(
  runtime: RuntimeName,
  processes: number,
  generator: Generator,
  duration: number,
): Promise<{ result: LoadResult; shares: number[] }> {
  const { connections, depth, compression } = SHARED_LOAD;
  const { bytes, sizes, prelude } = framesOf(SHARED_LOAD, "client");
  const frames = await Deno.makeTempFile();
  await Deno.writeFile(frames, bytes);
  const settings: ServerSettings = { broadcast: false, compression, sharedPort: freePort() };
  const command = commandFor(runtime, "servers/quickws.ts", JSON.stringify(settings));
  const servers: Deno.ChildProcess[] = [];
  try {
    while (servers.length < processes) {
      const server = start(
        servers.length === 0 ? onServerCore(command) : pinned(String(servers.length), command),
      );
      servers.push(server);
      await nextLine(linesOf(server));
    }
    const load: Load = {
      kind: "echo",
      pids: servers.map(({ pid }) => pid),
      port: settings.sharedPort!,
      webSocket: true,
      extensions: OFFERS[compression!],
      connections,
      depth,
      frames,
      sizes,
      prelude,
      opcode: Opcode.Text,
      reply: -1,
      chunk: 0,
      burst: 1,
      warmUp: 1000,
      duration,
      timeout: 10_000,
    };
    // Not pinned, so that the kernel chooses the core.
    const process = start(generator.command(JSON.stringify(load)));
    const result: LoadResult = JSON.parse(await nextLine(linesOf(process)));
    await process.status;
    const used = servers.map(({ pid }) => cpuSecondsOf(pid));
    const sum = used.reduce((a, b) => a + b);
    return { result, shares: used.map((each) => each / sum).toSorted((a, b) => b - a) };
  } finally {
    for (const server of servers) await stop(server);
    await Deno.remove(frames);
  }
}
