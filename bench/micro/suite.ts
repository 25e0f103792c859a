// Times all choices on the runtime that it is started on; prints one JSON line.

import process from "node:process";
import { threshold } from "./compression.ts";
import { copying } from "./copy.ts";
import { beginning, growing } from "./gather.ts";
import { masking } from "./mask.ts";
import { drawing } from "./random.ts";
import { checking, decoding, encoding, longText } from "./text.ts";
import { viewing } from "./view.ts";
import { compare } from "./ways.ts";

const choices = [
  masking,
  copying,
  viewing,
  checking,
  decoding,
  encoding,
  longText,
  beginning,
  growing,
  drawing,
  threshold,
];

const wanted = process.argv[2] ?? "";
const chosen = choices.filter(({ constant }) => constant.includes(wanted));
process.stdout.write(`${JSON.stringify(chosen.map(compare))}\n`);
