// Guards against slowdowns: briefly measures the server's cost relative to a raw echo. CI compares
// the ratios with those that `deno task bench guard` has recorded.

import type { RuntimeName } from "../support/runtimes.ts";
import { runtimeNames } from "../support/runtimes.ts";
import { table } from "../support/table.ts";
import type { Generator } from "../load/generator.ts";
import { describe, type Workload } from "../catalog/workloads.ts";
import { findParticipant } from "./choice.ts";
import { medianRatio } from "./figures.ts";
import { measure, type Timing } from "./measure.ts";
import type { LoadResult } from "../load/load.ts";

/** The guarded workloads: many small messages in flight, and a few large ones. */
export const GUARDED: readonly Workload[] = [
  { kind: "echo", connections: 20, payload: 128, depth: 32 },
  { kind: "echo", connections: 20, payload: 16 * 1024, depth: 4 },
];

/** How many times a recorded ratio is allowed. */
export const TOLERANCE = 2;

const ROUNDS = 3;
const RECORD_ROUNDS = 7;
const TIMING: Timing = { warmUp: 400, duration: 400 };
const FILE = new URL("../guard.json", import.meta.url);

/** The recorded ratios, by runtime and workload. */
export type GuardRecord = Record<string, Record<string, number>>;

/** Reads the record. */
export function readRecord(): GuardRecord {
  return JSON.parse(Deno.readTextFileSync(FILE));
}

/** Returns the server's CPU time per message divided by the raw echo's: the median of rounds. */
export async function guardRatio(
  runtime: RuntimeName,
  workload: Workload,
  generator: Generator,
  rounds: number = ROUNDS,
): Promise<number> {
  const pair = [`${runtime} quickws`, `${runtime} raw`];
  const results: LoadResult[][] = [[], []];
  for (let round = 0; round < rounds; round++) {
    for (const [index, label] of pair.entries()) {
      const participant = findParticipant(label, workload)!;
      results[index]!.push(await measure(participant, workload, generator, TIMING));
    }
  }
  return medianRatio("cpu", results[0]!, results[1]!, workload);
}

/** Measures and records all ratios. */
export async function record(generator: Generator, dry: boolean): Promise<void> {
  const ratios: GuardRecord = {};
  for (const runtime of runtimeNames) {
    ratios[runtime] = {};
    for (const workload of GUARDED) {
      const ratio = await guardRatio(runtime, workload, generator, RECORD_ROUNDS);
      ratios[runtime][describe(workload)] = Number(ratio.toFixed(2));
    }
  }
  const rows = GUARDED.map(describe).map((name) => [
    name,
    ...runtimeNames.map((runtime) => ratios[runtime]![name]!.toFixed(2)),
  ]);
  console.log(table([["CPU time / raw echo", ...runtimeNames], ...rows]));
  if (!dry) Deno.writeTextFileSync(FILE, `${JSON.stringify(ratios, null, 2)}\n`);
}
