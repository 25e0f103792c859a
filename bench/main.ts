// `deno task bench`: see `USAGE`.

import { SUITES } from "./catalog/workloads.ts";
import { findGenerator } from "./load/generator.ts";
import { parseOptions } from "./run/options.ts";
import { drawPlots } from "./plot/plots.ts";
import { writeTables } from "./plot/tables.ts";
import { record } from "./run/guard.ts";
import { runScaling } from "./run/scaling.ts";
import { runFleets } from "./run/fleet.ts";
import { runSuite } from "./run/suite.ts";
import { runTargets } from "./run/targets.ts";
import { commandFor, start } from "./support/runtimes.ts";

const USAGE = `deno task bench [command] [options]

commands (default: all of them except start, topics and guard, about 90 minutes; with --quick a few minutes):
  ${Object.entries(SUITES).map(([name, { title }]) => `${name.padEnd(12)}${title}`).join("\n  ")}
  fleet       three nodes connected by Redis or NATS, compared with socket.io and crossws
  topics      publish and fleet with the peers of the targets, seven to ten minutes
  targets     speed goals relative to raw sockets and peers, and the results
  scaling     how cost grows; writes bench/SCALING.md. Select parts by name: connections, idle,
              payload, depth, cores, kernel, million; "report" only rewrites the report
  plots       draws the results in bench/results and writes the tables in docs, without measuring
  core        the protocol core without sockets, on each runtime
  micro       measurements behind the tuned constants
  deflate     the codec alone, compared with zlib and fflate
  fflate      compression by this library and by fflate; writes the table in docs/compression.md
  ws          ws and socket.io programs, on ws and on quickws/ws; writes the table in docs/guide/ws.md
  native      HTTP and echoes on one port of Bun.serve or Deno.serve: createSockets, compared with
              the runtime's own handlers and crossws; writes the table in docs/guide/servers.md
  start       startup time in milliseconds, compared with ws, Bun.serve and Deno.serve; --rounds
  guard       records the ratios that tests/bench checks; not part of the default run

options:
  --peers ws,bun      only these peers; this library and raw sockets always run
  --runtimes node     only these
  --brokers redis     only fleets with these brokers
  --variants quickws,quickws@listen
                      variants of this library; on Deno they differ in the socket API
  --payload 128,1024  message sizes in bytes, instead of the suite's
  --depth 1,32        messages in flight on each connection
  --connections 100   number of connections
  --burst 1,10        number of times each message is published in one turn
  --text              text instead of binary
  --compression alone or takeover
  --rows one,deep     only these rows of the targets
  --rounds 3          number of rounds; results are medians (default: 3; start: 21; targets, ws,
                      native and fflate: 5)
  --seconds 2         duration of each measurement
  --quick             one short round, up to 1,000 connections; skips the slow commands
  --profile           profiles this library's servers into .build/profiles; prints the top functions
  --dry               does not save results in bench/results
`;

const options = parseOptions(Deno.args);

const SLOW = ["targets", "scaling", "deflate", "fflate", "ws", "native"];
const EVERYTHING = [
  ...Object.keys(SUITES),
  "fleet",
  "core",
  "micro",
  ...(options.quick ? [] : SLOW),
  "plots",
];

/** Runs a benchmark with a separate main module, in a separate process. */
async function runModule(module: string, args: string[]): Promise<void> {
  const process = start(commandFor("deno", module, ...args), { stdout: "inherit" });
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
      drawPlots();
      return writeTables();
    case "guard":
      return await record(findGenerator(), options.dry);
    case "core":
    case "micro":
    case "deflate":
      return await runModule(`${command}/main.ts`, options.words);
    case "start":
    case "ws":
    case "native":
      return await runModule(`${command}/main.ts`, Deno.args);
    case "fflate":
      return await runModule("deflate/fflate.ts", Deno.args);
    case "help":
      return console.log(USAGE);
    default:
      if (command in SUITES) return await runSuite(command, findGenerator(), options);
      console.error(USAGE);
      Deno.exit(2);
  }
}

await run(options.command);
