// The four promises of a connection, a fixed number of sequences of each; `deno task fuzz` goes on from
// other seeds.

import { runBatch } from "../fuzz/batch.ts";
import { promises } from "../fuzz/properties.ts";

const SEQUENCES = 100;
const SEED = 1;

for (const property of promises) {
  Deno.test(property.name, async () => {
    await runBatch(property, SEED, SEQUENCES * property.weight);
  });
}
