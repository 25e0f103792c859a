// `deno task fuzz` checks the properties for a given time on any runtime, in a child process. It
// reports a batch that does not end in time as a hang, with its seed.
//
//   --minutes 60      the total duration (default 1)
//   --runtime bun     deno, bun, node, or all in sequence (default deno)
//   --seed 1          the seed of the random numbers (default: from the clock)
//   --batches 1       the maximum number of batches
//   --only "..."      only this property

import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { linesOf, within } from "../support/child.ts";
import { runtimeCommand, type RuntimeName, runtimeNames } from "../support/runtimes.ts";
import type { FuzzOptions, FuzzReport } from "./endless.ts";

/** The milliseconds after which a batch, including shrinking, counts as a hang. */
const HANG = 300_000;

/** Milliseconds between two progress lines. */
const PROGRESS = 60_000;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    runtime: { type: "string", default: "deno" },
    seed: { type: "string", default: String(Date.now() | 0) },
    batches: { type: "string", default: "Infinity" },
    only: { type: "string" },
  },
});

/** Runs a process until it ends. Returns whether all properties passed. */
async function fuzz(runtime: RuntimeName, options: FuzzOptions): Promise<boolean> {
  const module = fileURLToPath(new URL("endless.ts", import.meta.url));
  const { command, args } = runtimeCommand(runtime, module, JSON.stringify(options));
  const child = new Deno.Command(command, { args, stdout: "piped", stderr: "inherit" }).spawn();
  const lines = linesOf(child.stdout);
  const began = performance.now();
  let shown = began;
  let batches = 0;
  let last: FuzzReport | undefined;
  for (;;) {
    const line = await within(HANG, lines.next());
    if (line === undefined) {
      child.kill("SIGKILL");
      console.error(`${runtime}: hangs in ${JSON.stringify(last)}`);
      return false;
    }
    if (line.done === true) break;
    last = JSON.parse(line.value) as FuzzReport;
    if (last.type === "batch") batches++;
    if (last.type === "failure") console.error(`${runtime}: ${last.text}`);
    if (last.type === "total") console.log(`${runtime}: ${JSON.stringify(last)}`);
    if (performance.now() - shown < PROGRESS) continue;
    shown = performance.now();
    console.log(`${runtime}: ${Math.round((shown - began) / 60_000)} min, ${batches} batches`);
  }
  return (await child.status).success;
}

const chosen = values.runtime === "all" ? runtimeNames : [values.runtime as RuntimeName];
for (const runtime of chosen) {
  if (!runtimeNames.includes(runtime)) throw new Error(`no runtime is named "${runtime}"`);
}
const seed = Number(values.seed);
console.log(`seed ${seed}`);
for (const runtime of chosen) {
  const held = await fuzz(runtime, {
    minutes: Number(values.minutes) / chosen.length,
    seed,
    // JSON cannot represent infinity.
    batches: Math.min(Number(values.batches), Number.MAX_SAFE_INTEGER),
    only: values.only,
  });
  if (!held) Deno.exit(1);
}
