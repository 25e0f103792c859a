// Runs the long codec tests on the current runtime. `tests/deflate/proof.ts` starts it with the
// arguments [inputs] [streams] [mutations] [seed].

import process from "node:process";
import { Random } from "../../support/random.ts";
import { proveDecoder } from "./decoder.ts";
import { proveEncoder } from "./encoder.ts";
import { proveMutations } from "./mutations.ts";
import { proveTakeover } from "./takeover.ts";

const given = process.argv.slice(2).map(Number);
const [inputs = 100000, streams = 1000, mutations = 300000, seed = 1] = given;

async function step<T>(name: string, count: number, prove: () => T | Promise<T>): Promise<void> {
  const began = performance.now();
  const proof = await prove();
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`${name}: ${count} in ${seconds} s, ${JSON.stringify(proof)}`);
}

console.log(`seed ${seed}`);
await step("encoder", inputs, () => proveEncoder(new Random(seed), inputs));
await step("decoder", inputs, () => proveDecoder(new Random(seed + 1), inputs));
await step("takeover", streams, () => proveTakeover(new Random(seed + 2), streams));
await step("mutations", mutations, () => proveMutations(new Random(seed + 3), mutations));
