// Measures the tuned constants: `deno task bench micro [part of a constant's name]`. It runs on
// Deno's V8, Bun's JavaScriptCore, and Node's older V8.

import { save } from "../run/store.ts";
import { commandFor, type RuntimeName, start } from "../support/runtimes.ts";
import { table } from "../support/table.ts";
import type { Comparison } from "./compare.ts";

const RUNTIMES: readonly RuntimeName[] = ["deno", "node", "bun"];

async function run(runtime: RuntimeName): Promise<Comparison[]> {
  const child = start(commandFor(runtime, "micro/suite.ts", ...Deno.args));
  const { success, stdout } = await child.output();
  if (!success) throw new Error(`The benchmark failed on ${runtime}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

const results = new Map<RuntimeName, Comparison[]>();
for (const runtime of RUNTIMES) {
  console.error(`measuring on ${runtime}`);
  results.set(runtime, await run(runtime));
}

for (const [index, { constant, unit, size, sizes, facts }] of results.get("deno")!.entries()) {
  const rows = RUNTIMES.flatMap((runtime) =>
    Object.entries(results.get(runtime)![index]!.nanoseconds).map(([name, times]) => [
      `${runtime}, ${name}`,
      ...times.map((time) => time.toPrecision(3)),
    ])
  );
  const more = Object.entries(facts).map(([name, numbers]) => [
    name,
    ...numbers.map((number) => number.toFixed(0)),
  ]);
  console.log(`\n${constant}: nanoseconds for ${unit}\n`);
  console.log(table([[size, ...sizes.map(String)], ...rows, ...more]));
}
if (Deno.args.length === 0) save("micro.json", Object.fromEntries(results));
