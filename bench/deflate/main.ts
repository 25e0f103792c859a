// Times the codec, zlib and fflate on each runtime: `deno run -A bench/deflate/main.ts [runtimes]`.

import { commandFor, type RuntimeName, runtimeNames, start } from "../support/runtimes.ts";
import { table } from "../support/table.ts";
import type { SizeCosts } from "./suite.ts";
import type { TakeoverCost } from "./takeover.ts";
import type { MessageCost } from "./timing.ts";

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

/** Returns a table with candidates as rows and sizes as columns. */
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
  console.log(`\n${runtime}: microseconds per JSON message, by size in bytes\n`);
  console.log(costs("compress (ratio)", sizes, "deflate"));
  console.log();
  console.log(costs("decompress", sizes, "inflate"));
  console.log(`\n${CONNECTIONS} connections, messages of 1 KiB, round-robin\n`);
  console.log(await takeover(runtime));
}
