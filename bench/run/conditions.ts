// The conditions of a measurement: the machine, versions, duration and load.

import manifest from "../../deno.json" with { type: "json" };
import { cpus, loadavg } from "node:os";
import { canPin } from "../support/cores.ts";
import { bunPath, nodePath } from "../../tests/support/runtimes.ts";
import type { Effort } from "./rounds.ts";

/** The conditions stored with each result. */
export interface Conditions extends Pick<Effort, "rounds" | "seconds"> {
  date: string;
  machine: string;
  kernel: string;
  versions: Record<string, string>;
  /** The program of the load generator, or an empty string if there is none. */
  generator: string;
  pinned: boolean;
  /** The load average just before the measurement. */
  load: number;
}

let versions: Record<string, string> | undefined;

function outputOf(command: string, ...args: string[]): string {
  try {
    const { stdout } = new Deno.Command(command, { args, stderr: "null" }).outputSync();
    return new TextDecoder().decode(stdout).trim();
  } catch {
    return "none";
  }
}

/** Returns the current conditions. */
export function conditionsNow(
  generator: { name: string },
  { rounds, seconds }: Effort,
): Conditions {
  versions ??= {
    deno: Deno.version.deno,
    bun: outputOf(bunPath(), "--version"),
    node: outputOf(nodePath(), "--version").replace(/^v/, ""),
    go: outputOf("go", "env", "GOVERSION").replace(/^go/, ""),
    ws: manifest.imports.ws.replace(/^.*@/, ""),
  };
  const [cpu] = cpus();
  return {
    date: new Date().toISOString().slice(0, 16),
    machine: `${cpus().length} x ${cpu?.model.trim() ?? "unknown"}`,
    kernel: outputOf("uname", "-sr"),
    versions,
    generator: generator.name,
    pinned: canPin,
    rounds,
    seconds,
    load: Number((loadavg()[0] ?? 0).toFixed(1)),
  };
}

/** Formats the conditions as a line of text. */
export function showConditions(conditions: Conditions): string {
  const { date, machine, kernel, versions, generator, pinned, rounds, seconds, load } = conditions;
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${date.replace("T", " ")} UTC, ${machine}, ${kernel}, ${programs.join(", ")}; ` +
    (generator === ""
      ? ""
      : `generator in ${generator}${pinned ? ", each pinned to a core" : ""}; `) +
    `median of ${rounds} round${
      rounds > 1 ? "s" : ""
    } of ${seconds} s; load average before: ${load}`;
}
