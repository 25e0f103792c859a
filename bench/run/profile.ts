// Profiles: Node, Bun and Deno all write what V8 calls a `.cpuprofile` when they exit, for DevTools and
// others to show; here is where the time went, function by function.

import { join } from "node:path";
import { root, type RuntimeName } from "../support/runtimes.ts";
import { table } from "../support/table.ts";

/** Where profiles are written. */
export const PROFILES: string = join(root, ".build", "profiles");

const MOST = 20;

/** The part of a profile that is read. */
interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
}

/** The command with the flags that make its runtime write a profile. */
export function withProfile(runtime: RuntimeName | "go", command: string[]): string[] {
  if (runtime === "go") return command;
  const flags = ["--cpu-prof", `--cpu-prof-dir=${PROFILES}`];
  // Node takes them first, the others behind their subcommand.
  const at = runtime === "node" ? 1 : 2;
  return [...command.slice(0, at), ...flags, ...command.slice(at)];
}

/** The profiles that are there. */
export function profileFiles(): string[] {
  Deno.mkdirSync(PROFILES, { recursive: true });
  return [...Deno.readDirSync(PROFILES)].map(({ name }) => join(PROFILES, name));
}

/** The functions that a process spent most of its time in, not counting what they called. */
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
