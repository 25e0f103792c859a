// Times the protocol core on each runtime: `deno task bench core`.

import { commandFor, type RuntimeName, runtimeNames, start } from "../support/runtimes.ts";
import { table } from "../support/table.ts";
import type { Measurement } from "./measure.ts";

async function run(runtime: RuntimeName): Promise<Measurement[]> {
  const child = start(commandFor(runtime, "core/suite.ts"));
  const { success, stdout } = await child.output();
  if (!success) throw new Error(`The benchmark failed on ${runtime}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

const results: Measurement[][] = [];
for (const runtime of runtimeNames) results.push(await run(runtime));

const rows = results[0]!.map(({ name, unit }, index) => [
  name,
  unit,
  ...results.map((measurements) => measurements[index]!.nanoseconds.toFixed(1)),
]);
console.log(table([["nanoseconds", "for one", ...runtimeNames], ...rows]));
