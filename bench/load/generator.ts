// Finds and starts the load generators.

import { join } from "node:path";
import { goProgram } from "../support/go.ts";
import { commandFor, root } from "../support/runtimes.ts";

/** A load generator: its name and its command. */
export interface Generator {
  name: "Go" | "Node";
  command(load: string): string[];
}

/** The generator on Node, for machines without Go. */
export const nodeGenerator: Generator = {
  name: "Node",
  command: (load) => commandFor("node", "load/node/main.ts", load),
};

/**
 * Returns the generator in Go, or the one on Node if Go is missing or `BENCH_GENERATOR=node` is
 * set.
 */
export function findGenerator(): Generator {
  if (Deno.env.get("BENCH_GENERATOR") === "node") return nodeGenerator;
  const program = goProgram(join(root, "bench/load/go"));
  if (program === undefined) return nodeGenerator;
  return { name: "Go", command: (load) => [program, load] };
}
