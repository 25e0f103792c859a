// The commands of the supported runtimes. A missing runtime is an error; it never skips a test.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { builtForNode } from "./node_build.ts";

/** A supported runtime. */
export type RuntimeName = "deno" | "bun" | "node";

/** All runtimes. */
export const runtimeNames: readonly RuntimeName[] = ["deno", "bun", "node"];

/** A program and its arguments for `Deno.Command`. */
export interface RuntimeCommand {
  command: string;
  args: string[];
}

const nodeModules = fileURLToPath(new URL("../../node_modules", import.meta.url));

/**
 * Returns the command that runs a TypeScript module of this repository on a runtime.
 *
 * @param module The path of the module.
 *
 * @param args The arguments of the program.
 *
 * @throws {Error} If the runtime is not installed, with the remedy.
 */
export function runtimeCommand(
  runtime: RuntimeName,
  module: string,
  ...args: string[]
): RuntimeCommand {
  switch (runtime) {
    case "deno":
      return {
        command: Deno.execPath(),
        args: ["run", "--quiet", "--no-lock", "--allow-all", "--unstable-net", module, ...args],
      };
    case "bun":
      return { command: bunPath(), args: ["run", module, ...args] };
    case "node":
      return {
        command: nodePath(),
        args: [builtForNode(module), ...args],
      };
  }
}

let bun: string | undefined;

/** Returns the path of Bun in the npm package `bun`. */
export function bunPath(): string {
  return bun ??= firstRunnable(bunCandidates(), ["--version"]) ?? missing(
    "Bun",
    "run `deno install`, which puts the npm package `bun` into node_modules",
  );
}

let node: string | undefined;

/** Returns the path of the Node on the `PATH`. */
export function nodePath(): string {
  // If Node is not installed, Deno substitutes itself for `node` in child processes.
  const isNode = ["-e", "process.exit('Deno' in globalThis ? 1 : 0)"];
  return node ??= firstRunnable(["node"], isNode) ??
    missing("Node", "put Node 20 or later on the PATH");
}

/** Yields the package's choice for this machine, then every installed variant. */
function* bunCandidates(): Generator<string> {
  yield join(nodeModules, "bun", "bin", "bun.exe");
  const store = join(nodeModules, ".deno");
  if (!existsSync(store)) return;
  for (const name of readdirSync(store)) {
    const variant = /^(@oven)\+(bun-[^@]+)@/.exec(name);
    if (variant) yield join(store, name, "node_modules", variant[1]!, variant[2]!, "bin", "bun");
  }
}

/** Variants for another CPU or C library may be installed, but do not run. */
function firstRunnable(candidates: Iterable<string>, args: string[]): string | undefined {
  for (const candidate of candidates) {
    try {
      const { success } = new Deno.Command(candidate, {
        args,
        stdout: "null",
        stderr: "null",
      }).outputSync();
      if (success) return candidate;
    } catch {
      // It is missing or built for another machine; try the next one.
    }
  }
  return undefined;
}

function missing(name: string, cure: string): never {
  throw new Error(`${name} was not found, but the tests run on it: ${cure}`);
}
