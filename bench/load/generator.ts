// Which generator there is, and how it is started.

import { join } from "node:path";
import { commandFor, root } from "../support/runtimes.ts";
import { goProgram } from "../support/go.ts";

/** How to start the generator, and what to call it. */
export interface Generator {
  name: "Go" | "Node";
  command(load: string): string[];
}

/** The generator in Go, or the one on Node where there is no Go; `BENCH_GENERATOR` chooses. */
export function findGenerator(): Generator {
  const wanted = Deno.env.get("BENCH_GENERATOR");
  const program = wanted === "node" ? undefined : goProgram(join(root, "bench/load/go"));
  if (program !== undefined) return { name: "Go", command: (load) => [program, load] };
  return { name: "Node", command: (load) => commandFor("node", "load/node/main.ts", load) };
}
