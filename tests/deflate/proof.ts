// The long proof of the codec, on any of the runtimes:
//
//   deno run -A tests/deflate/proof.ts [inputs] [streams] [mutations] [seed]
//
// with `bun run` in place of `deno run -A`, and for Node the bundle that
// `deno bundle --platform deno -o .build/proof.mjs tests/deflate/proof.ts` makes.

import process from "node:process";
import { Random } from "../support/random.ts";
import { proveDecoder } from "./proof/decoder.ts";
import { proveEncoder } from "./proof/encoder.ts";
import { proveMutations } from "./proof/mutations.ts";
import { proveTakeover } from "./proof/takeover.ts";

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
