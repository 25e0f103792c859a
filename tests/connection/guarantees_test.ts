// Checks the four guarantees of a connection, each with a fixed number of operation sequences.
// `deno task fuzz` uses further seeds.

import { runBatch } from "../fuzz/batch.ts";
import { guarantees } from "../fuzz/properties.ts";

const SEQUENCES = 60;
const SEED = 1;

for (const property of guarantees) {
  Deno.test(property.name, async () => {
    await runBatch(property, SEED, SEQUENCES * property.weight);
  });
}
