// The servers that are measured.

import type { RuntimeName } from "../../support/runtimes.ts";

/** A name, a runtime and a module in `servers`, which is started with a mode of compression. */
export type BenchServer = readonly [name: string, runtime: RuntimeName, module: string];

/** All of them; the first of each runtime is ours. */
export const SERVERS: readonly BenchServer[] = [
  ["quickws", "node", "quickws"],
  ["ws", "node", "ws_node"],
  ["quickws", "bun", "quickws"],
  ["Bun.serve", "bun", "serve_bun"],
  ["quickws", "deno", "quickws"],
];
