// The short form: each property runs a few times from a fixed seed, so that failures are caused by
// changes only. The long form, `deno task fuzz`, uses a new seed each time.

import { runBatch } from "./batch.ts";
import { properties } from "./properties.ts";

const RUNS = 60;
const SEED = 1;

for (const property of properties) {
  Deno.test(property.name, async () => {
    await runBatch(property, SEED, RUNS * property.weight);
  });
}
