// Times all choices, or those whose constant has the first argument in its name, on the runtime that it
// is started on; prints one JSON line.

import process from "node:process";
import { CHOICES } from "./choices.ts";
import { compare } from "./ways.ts";

const chosen = CHOICES.filter(({ constant }) => constant.includes(process.argv[2] ?? ""));
process.stdout.write(`${JSON.stringify(chosen.map(compare))}\n`);
