// Times the codec beside zlib and fflate on each runtime: `deno run -A bench/deflate/main.ts`, with
// the names of runtimes to do less.

import { commandFor, type RuntimeName, runtimeNames, start } from "../support/runtimes.ts";
import { table } from "../support/table.ts";
import type { MessageCost, SizeCosts } from "./suite.ts";
import type { TakeoverCost } from "./takeover.ts";

const CONNECTIONS = 10000;

async function run<T>(runtime: RuntimeName, module: string, ...args: string[]): Promise<T> {
  const child = start(commandFor(runtime, module, ...args));
  const { success, stdout } = await child.output();
  if (!success) throw new Error(`The benchmark failed on ${runtime}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

function cell({ microseconds, ratio }: MessageCost): string {
  const time = microseconds.toPrecision(3);
  return ratio === undefined ? time : `${time} (${ratio.toFixed(3)})`;
}

/** Rows of candidates, columns of sizes. */
function costs(title: string, sizes: SizeCosts[], direction: "deflate" | "inflate"): string {
  const header = [title, ...sizes.map(({ size }) => String(size))];
  const rows = sizes[0][direction].map(({ name }, row) => [
    name,
    ...sizes.map((costs) => cell(costs[direction][row])),
  ]);
  return table([header, ...rows]);
}

async function takeover(runtime: RuntimeName): Promise<string> {
  const rows = [["takeover, KiB of memory", "resident", "held", "us", "ratio"]];
  const titles = {
    fast: "encoder, fast",
    best: "encoder, best",
    history: "decoder, window of 4 KiB",
    zlib: "zlib stream, 12 bits, level 6",
  };
  for (const [candidate, title] of Object.entries(titles)) {
    const cost = await run<TakeoverCost>(
      runtime,
      "deflate/takeover.ts",
      candidate,
      String(CONNECTIONS),
    );
    rows.push([
      title,
      cost.memory.toFixed(1),
      cost.held?.toFixed(1) ?? "",
      cost.microseconds?.toPrecision(3) ?? "",
      cost.ratio?.toFixed(3) ?? "",
    ]);
  }
  return table(rows);
}

const chosen = runtimeNames.filter((name) => Deno.args.length === 0 || Deno.args.includes(name));
for (const runtime of chosen) {
  const sizes = await run<SizeCosts[]>(runtime, "deflate/suite.ts");
  console.log(`\n${runtime}: microseconds for a message of JSON of so many bytes\n`);
  console.log(costs("compress (ratio)", sizes, "deflate"));
  console.log();
  console.log(costs("decompress", sizes, "inflate"));
  console.log(`\n${CONNECTIONS} connections, messages of 1 KiB in turns\n`);
  console.log(await takeover(runtime));
}
