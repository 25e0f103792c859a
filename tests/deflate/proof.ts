// Runs the long codec tests on all runtimes, one after another:
//
//   deno run -A tests/deflate/proof.ts [deno] [bun] [node] [inputs] [streams] [mutations] [seed]
//
// The suite `deflate` in `tests/behaviour` is the short version.

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
