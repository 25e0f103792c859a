// The long proof of the codec, on all runtimes one after the other:
//
//   deno run -A tests/deflate/proof.ts [deno] [bun] [node] [inputs] [streams] [mutations] [seed]
//
// The short one is the suite `deflate` in `tests/behaviour`.

import { fileURLToPath } from "node:url";
import { runtimeCommand, runtimeNames } from "../support/runtimes.ts";

const main = fileURLToPath(new URL("proof/main.ts", import.meta.url));
const numbers = Deno.args.filter((argument) => !Number.isNaN(Number(argument)));
const named = runtimeNames.filter((name) => Deno.args.includes(name));

for (const runtime of named.length > 0 ? named : runtimeNames) {
  console.log(`\n${runtime}`);
  const { command, args } = runtimeCommand(runtime, main, ...numbers);
  const { success } = await new Deno.Command(command, { args, stdout: "inherit" }).spawn().status;
  if (!success) Deno.exit(1);
}
