// The long fuzz run on the current runtime. main.ts starts it with a JSON argument and reads its
// output, one report per line.

import process from "node:process";
import { PropertyFailure, runBatch } from "./batch.ts";
import { guarantees, properties } from "./properties.ts";

/** The plan of a run. */
export interface FuzzOptions {
  /** The duration in minutes. The current batch is always completed. */
  readonly minutes: number;
  /** The seed of the first batch, incremented for each further batch. */
  readonly seed: number;
  /** The maximum number of batches. */
  readonly batches: number;
  /** The name of the only property to check. By default, checks all in turn. */
  readonly only: string | undefined;
}

/** A line of output. */
export type FuzzReport =
  | { type: "batch"; property: string; seed: number }
  | { type: "failure"; text: string }
  | { type: "total"; executions: number; batches: number; slowest: number };

/** The number of runs per batch for a property of weight 1. */
const RUNS = 100;

function report(line: FuzzReport): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function run({ minutes, seed, batches, only }: FuzzOptions): Promise<void> {
  const all = [...properties, ...guarantees];
  const chosen = all.filter(({ name }) => only === undefined || name === only);
  if (chosen.length === 0) throw new Error(`no property is named "${only}"`);
  const end = performance.now() + minutes * 60_000;
  const total = { executions: 0, batches: 0, slowest: 0 };
  while (total.batches < batches && performance.now() < end) {
    const property = chosen[total.batches % chosen.length];
    const batchSeed = seed + total.batches | 0;
    report({ type: "batch", property: property.name, seed: batchSeed });
    const began = performance.now();
    total.executions += await runBatch(property, batchSeed, RUNS * property.weight);
    total.slowest = Math.max(total.slowest, Math.round(performance.now() - began));
    total.batches++;
  }
  report({ type: "total", ...total });
}

try {
  await run(JSON.parse(process.argv[2]));
} catch (error) {
  if (!(error instanceof PropertyFailure)) throw error;
  report({ type: "failure", text: error.message });
  process.exitCode = 1;
}
