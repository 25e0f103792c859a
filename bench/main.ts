// `deno task bench`: see `USAGE`.

import { SUITES } from "./catalog/workloads.ts";
import { findGenerator } from "./load/generator.ts";
import { parseOptions } from "./run/options.ts";
import { drawPlots } from "./plot/plots.ts";
import { record } from "./run/guard.ts";
import { runScaling } from "./run/scaling.ts";
import { runFleets } from "./run/fleet.ts";
import { runSuite } from "./run/suite.ts";
import { runTargets } from "./run/targets.ts";
import { commandFor, start } from "./support/runtimes.ts";

const USAGE = `deno task bench [what] [options]

what (everything without it, which takes an hour; with --quick some minutes):
  ${Object.entries(SUITES).map(([name, { title }]) => `${name.padEnd(12)}${title}`).join("\n  ")}
  fleet       three nodes joined by Redis or NATS, beside socket.io and crossws
  topics      publish and fleet beside those of the targets, in seven to ten minutes
  targets     what we are to reach beside the raw sockets and the peers, and what was reached
  scaling     how cost grows, and bench/SCALING.md; the words after it choose: connections, idle,
              payload, depth, cores, kernel, million, or none of them (report) to write the report anew
  plots       draws the results in bench/results, without measuring
  core        the pure parts alone, on each runtime
  micro       the reasons of the constants that were tuned
  deflate     the codec alone, beside zlib and fflate
  ws          programs of ws and socket.io, with ws and with ours; --rounds, --seconds, --runtimes
  start       milliseconds until a process listens, beside ws, Bun.serve and Deno.serve; --rounds
  guard       puts the ratios on record that tests/bench guards; no part of everything

options:
  --peers ws,bun      only these beside ours and the raw sockets
  --runtimes node     only these
  --engines redis     only what is joined by these
  --ours quickws,quickws@listen
                      which of our servers; on Deno there are several ways to the sockets
  --payload 128,1024  bytes of a message, instead of those of the suite
  --depth 1,32        messages in flight on each connection
  --connections 100   how many
  --burst 1,10        times that each message is published at once
  --text              text instead of binary
  --compression alone or takeover
  --rows one,deep     of the targets only these
  --rounds 3          of which the median is taken; 5 for the targets
  --seconds 2         of counting in each
  --quick             one short round, up to 1,000 connections, without targets, scaling and deflate
  --profile           writes profiles of our servers into .build/profiles and shows what takes time
  --dry               keeps no results in bench/results
`;

const options = parseOptions(Deno.args);

const SLOW = ["targets", "scaling", "deflate"];
const EVERYTHING = [
  ...Object.keys(SUITES),
  "fleet",
  "core",
  "micro",
  ...(options.quick ? [] : SLOW),
  "plots",
];

/** A benchmark with a main module of its own, which gets the words that follow its name. */
async function runModule(module: string): Promise<void> {
  const process = start(commandFor("deno", module, ...options.words), { stdout: "inherit" });
  if (!(await process.status).success) Deno.exit(1);
}

async function run(command: string): Promise<void> {
  switch (command) {
    case "all":
      for (const each of EVERYTHING) await run(each);
      return;
    case "fleet":
      return await runFleets(findGenerator(), options);
    case "topics":
      await run("publish");
      return await run("fleet");
    case "targets":
      return await runTargets(findGenerator(), options);
    case "scaling":
      return await runScaling(findGenerator(), options);
    case "plots":
      return drawPlots();
    case "guard":
      return await record(findGenerator(), options.dry);
    case "core":
    case "micro":
    case "deflate":
    case "start":
    case "ws":
      return await runModule(`${command}/main.ts`);
    case "help":
      return console.log(USAGE);
    default:
      if (command in SUITES) return await runSuite(command, findGenerator(), options);
      console.error(USAGE);
      Deno.exit(2);
  }
}

await run(options.command);
