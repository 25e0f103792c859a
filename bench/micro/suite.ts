// Times all choices on the current runtime, or those with a constant whose name contains the first
// argument. Prints one JSON line.

import process from "node:process";
import { CHOICES } from "./choices.ts";
import { compare } from "./compare.ts";

const chosen = CHOICES.filter(({ constant }) => constant.includes(process.argv[2] ?? ""));
process.stdout.write(`${JSON.stringify(chosen.map(compare))}\n`);
