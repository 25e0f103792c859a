// The short fuzz run checks each property a few times with a fixed seed, so that only code changes
// cause failures. The long run, `deno task fuzz`, uses a new seed each time.

import { runBatch } from "./batch.ts";
import { properties } from "./properties.ts";

const RUNS = 60;
const SEED = 1;

for (const property of properties) {
  Deno.test(property.name, async () => {
    await runBatch(property, SEED, RUNS * property.weight);
  });
}
