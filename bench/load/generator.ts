// Which generator there is, and how it is started.

import { join } from "node:path";
import { goProgram } from "../support/go.ts";
import { commandFor, root } from "../support/runtimes.ts";

/** How to start the generator, and what to call it. */
export interface Generator {
  name: "Go" | "Node";
  command(load: string): string[];
}

/** The generator for machines without Go. */
export const nodeGenerator: Generator = {
  name: "Node",
  command: (load) => commandFor("node", "load/node/main.ts", load),
};

/** The generator in Go, or the one on Node where there is no Go; `BENCH_GENERATOR=node` chooses. */
export function findGenerator(): Generator {
  if (Deno.env.get("BENCH_GENERATOR") === "node") return nodeGenerator;
  const program = goProgram(join(root, "bench/load/go"));
  if (program === undefined) return nodeGenerator;
  return { name: "Go", command: (load) => [program, load] };
}
