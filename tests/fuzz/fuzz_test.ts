// The short form: each property runs some times from a fixed seed, so that a change fails only for
// its own faults. The long form, which uses a new seed each time, is `deno task fuzz`.

import { runBatch } from "./batch.ts";
import { properties } from "./properties.ts";

const RUNS = 60;
const SEED = 1;

for (const property of properties) {
  Deno.test(property.name, async () => {
    await runBatch(property, SEED, RUNS * property.weight);
  });
}
