// `deno task bench fflate`: compares the time and the compressed size of the library's codec with
// those of fflate at level 6.
//
//   deno task bench fflate [--rounds 5] [--runtimes node,bun,deno] [--quick] [--dry]

import { writeTables } from "../plot/tables.ts";
import {
  chooseRuntimes,
  comparisonConditions,
  report,
  type Rounds,
  summarize,
} from "../run/compare.ts";
import { parseOptions } from "../run/options.ts";
import { progress } from "../run/progress.ts";
import { onServerCore } from "../support/cores.ts";
import { commandFor, linesOf, nextLine, start } from "../support/runtimes.ts";
import type { CodecCosts } from "./codecs.ts";
import { SECONDS } from "./timing.ts";

const options = parseOptions(["fflate", ...Deno.args]);
const VARIANTS = ["fflate", '"fast"', '"best"'];

function showSize(size: number): string {
  return size < 1024 ? `${size} B` : `${size / 1024} KiB`;
}

for (const runtime of chooseRuntimes(options.runtimes, ["node", "bun", "deno"])) {
  const effort = { ...options, seconds: SECONDS };
  const conditions = comparisonConditions(runtime, "", effort, ["fflate"]);
  const all: CodecCosts[][] = [];
  for (let round = 0; round < options.rounds; round++) {
    progress(`${runtime}: round ${round + 1} of ${options.rounds}`);
    const child = start(onServerCore(commandFor(runtime, "deflate/codecs.ts")));
    all.push(JSON.parse(await nextLine(linesOf(child))));
    await child.status;
  }
  progress();
  const rows = all[0]!.map(({ size, costs }, index) => {
    const found: Rounds = {};
    for (const variant of VARIANTS) {
      found[variant] = all.map((sizes) =>
        sizes[index]!.costs.find(({ name }) => name === variant)!.microseconds
      );
    }
    const title = `JSON of ${showSize(size)}, us (compressed to)`;
    return {
      ...summarize({ key: String(size), title, decimals: size < 1024 ? 2 : 1 }, found, '"best"'),
      compressed: Object.fromEntries(costs.map(({ name, ratio }) => [name, ratio!])),
    };
  });
  for (const { ratios } of rows) delete ratios['"fast"'];
  const quickws = '"best"';
  report("fflate.json", { runtime, conditions, variants: VARIANTS, quickws, rows }, options.dry);
}
if (!options.dry) writeTables();
