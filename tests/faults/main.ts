// `deno task soak` runs the long soak test with network faults and prints figures.
//
//   --runtime bun           deno, bun, node, or all in sequence (default all)
//   --server sockets        own (of serve), sockets (createSockets on Bun.serve and Deno.serve), or
//                           both in sequence (default all)
//   --cycles 10000          short connections in the first part
//   --connections 10000     simultaneous connections in the second part
//   --minutes 3             duration of the second part
//   --seed 1                seed of the random numbers

import { parseArgs } from "node:util";
import { type RuntimeName, runtimeNames } from "../support/runtimes.ts";
import { faultKinds } from "./faults.ts";
import type { Resources } from "./measure.ts";
import { soak, type SoakFigures, type SoakPlan } from "./soak.ts";
import type { SocketsKind } from "./soak_server.ts";

const { values } = parseArgs({
  options: {
    runtime: { type: "string", default: "all" },
    server: { type: "string", default: "all" },
    cycles: { type: "string", default: "10000" },
    connections: { type: "string", default: "10000" },
    minutes: { type: "string", default: "3" },
    seed: { type: "string", default: "1" },
  },
});

const seed = Number(values.seed);

/** Many short connections. */
const cycles: SoakPlan = {
  load: {
    concurrency: 100,
    connections: Number(values.cycles),
    lifetime: 100,
    gap: 30,
    readTimeout: 10_000,
  },
  warmUp: { connections: Math.ceil(Number(values.cycles) / 5) },
  faults: { share: 0.3, longest: 300, kinds: faultKinds },
  seed,
  pingInterval: 2000,
  pongTimeout: 5000,
  heapSlack: 6 << 20,
};

/** Many simultaneous connections. */
const simultaneous: SoakPlan = {
  load: {
    concurrency: Number(values.connections),
    duration: Number(values.minutes) * 60_000,
    lifetime: 60_000,
    gap: 20_000,
    readTimeout: 90_000,
  },
  warmUp: { duration: 20_000, lifetime: 20_000, gap: 10_000 },
  faults: { share: 0.3, longest: 10_000, kinds: faultKinds },
  seed,
  pingInterval: 20_000,
  pongTimeout: 30_000,
  heapSlack: 6 << 20,
};

function show(title: string, figures: SoakFigures): void {
  const { runtime, seconds, connections, peak, faults, server, client } = figures;
  console.log(`\n${title} on ${runtime}: ${seconds} s`);
  console.log(`  ${connections} connections, at most ${peak} simultaneous`);
  console.log(`  messages: ${server.messages} arrived, ${client.messages} echoed`);
  console.log(`  faults: ${JSON.stringify(faults)}`);
  for (const [side, { fresh, before, after, endings }] of Object.entries({ server, client })) {
    console.log(`  ${side}: ends ${JSON.stringify(endings)}`);
    console.log(`    fresh         ${line(fresh)}`);
    console.log(`    after warm-up ${line(before)}`);
    console.log(`    after load    ${line(after)}`);
  }
}

function line({ rss, heap, buffers, files, timers }: Resources): string {
  const mib = (bytes: number): string => `${(bytes / (1 << 20)).toFixed(1)} MiB`;
  return `rss ${mib(rss)}, heap ${mib(heap)}, buffers ${mib(buffers)}, ` +
    `${files} files, ${timers} timers`;
}

const chosen = values.runtime === "all" ? runtimeNames : [values.runtime as RuntimeName];
for (const runtime of chosen) {
  for (const sockets of socketsOf(runtime)) {
    const where = sockets === "own" ? "" : " with createSockets";
    show(`short connections${where}`, await soak(runtime, cycles, [sockets]));
    show(`simultaneous connections${where}`, await soak(runtime, simultaneous, [sockets]));
  }
}

function socketsOf(runtime: RuntimeName): SocketsKind[] {
  const kinds: SocketsKind[] = [];
  if (values.server !== "sockets") kinds.push("own");
  // Node has no native WebSocket server.
  if (values.server !== "own" && runtime !== "node") kinds.push("native");
  return kinds;
}
