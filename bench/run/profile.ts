// CPU profiles. Node, Bun and Deno write a `.cpuprofile` file on exit, which DevTools can show.
// This module adds up the time per function.

import { join } from "node:path";
import { root, type RuntimeName } from "../support/runtimes.ts";
import { table } from "../support/table.ts";

/** The directory of the profiles. */
export const PROFILES: string = join(root, ".build", "profiles");

const MOST = 20;

/** The part of a profile that is used here. */
interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
}

/** Returns the command with the flags that make its runtime write a profile. */
export function withProfile(runtime: RuntimeName | "go", command: string[]): string[] {
  if (runtime === "go") return command;
  const flags = ["--cpu-prof", `--cpu-prof-dir=${PROFILES}`];
  // Node takes the flags first, the others after their subcommand.
  const at = runtime === "node" ? 1 : 2;
  return [...command.slice(0, at), ...flags, ...command.slice(at)];
}

/** Returns the paths of the existing profiles. */
export function profileFiles(): string[] {
  Deno.mkdirSync(PROFILES, { recursive: true });
  return [...Deno.readDirSync(PROFILES)].map(({ name }) => join(PROFILES, name));
}

/** Returns a table of the functions with the most self time. */
export function topFunctions(path: string): string {
  const { nodes, samples }: CpuProfile = JSON.parse(Deno.readTextFileSync(path));
  const places = new Map(nodes.map(({ id, callFrame }) => {
    const { functionName, url, lineNumber } = callFrame;
    const file = url === "" ? "" : ` ${url.replace(/^.*\/(?=(src|bench|node_modules)\/)/, "")}`;
    return [id, `${functionName || "(anonymous)"}${file}${file && `:${lineNumber + 1}`}`];
  }));
  const counts = new Map<string, number>();
  for (const id of samples) {
    const place = places.get(id) ?? "(unknown)";
    counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  const top = [...counts].toSorted(([, a], [, b]) => b - a).slice(0, MOST);
  return table(
    top.map(([place, count]) => [place, `${(100 * count / samples.length).toFixed(1)} %`]),
  );
}
