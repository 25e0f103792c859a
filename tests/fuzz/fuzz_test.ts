// The short form: each property some times from a seed that stays the same, so that a change is judged
// by its own faults. The long form, which goes on from ever new seeds, is `deno task fuzz`.

import { runBatch } from "./batch.ts";
import { properties } from "./properties.ts";

const RUNS = 60;
const SEED = 1;

for (const property of properties) {
  Deno.test(property.name, async () => {
    await runBatch(property, SEED, RUNS * property.weight);
  });
}
