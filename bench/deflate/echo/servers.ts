// The measured servers.

import type { RuntimeName } from "../../support/runtimes.ts";

/** A name, a runtime and a module in `servers`, which takes a compression mode. */
export type BenchServer = readonly [name: string, runtime: RuntimeName, module: string];

/** All servers. The first of each runtime is quickws. */
export const SERVERS: readonly BenchServer[] = [
  ["quickws", "node", "quickws"],
  ["ws", "node", "ws_node"],
  ["quickws", "bun", "quickws"],
  ["Bun.serve", "bun", "serve_bun"],
  ["quickws", "deno", "quickws"],
];
