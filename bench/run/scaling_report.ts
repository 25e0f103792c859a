// Generates the scaling report in Markdown from stored results.

import { join } from "node:path";
import { type Scale, SCALES } from "../catalog/scales.ts";
import { describe, showSize } from "../catalog/workloads.ts";
import { root } from "../support/runtimes.ts";
import { markdownTable } from "../support/table.ts";
import { showConditions } from "./conditions.ts";
import { SHARED_LOAD } from "./shared_port.ts";
import { type FigureName, FIGURES } from "./figures.ts";
import { oneMillion } from "./million.ts";
import type { Point, Scaling } from "./scaling_points.ts";

/** Notes below the tables. */
const NOTES: Partial<Record<string, string>> = {
  connections:
    "Raw sockets echo bytes without WebSocket and are the limit. Deno has two socket APIs. " +
    "`serve` uses `node:net` unless `denoSockets` selects the other one: `quickws@listen` and `raw` " +
    "use `Deno.listen`, `quickws` and `raw@net` use `node:net`. A figure is missing if replies " +
    "were still outstanding ten seconds after the load ended.",
  idle: "Growth of the process's resident memory per connection, two seconds after the last " +
    "connection opened.",
};

/** Writes `bench/SCALING.md`, or prints it if `dry` is set. */
export function writeReport(scaling: Scaling, dry: boolean): void {
  const text = report(scaling);
  if (dry) return console.log(text);
  const path = join(root, "bench", "SCALING.md");
  Deno.writeTextFileSync(path, text);
  new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", path] }).outputSync();
}

function report(scaling: Scaling): string {
  const { points } = scaling;
  return [
    "# How cost grows",
    "Written by `deno task bench scaling`; the numbers are in `results/scaling.json`.\n" +
    "CPU time is the user and system time of all threads of the server process.",
    ...SCALES.flatMap((scale) => sections(scale, points[scale.name] ?? [], scaling)),
    ...cores(scaling),
    ...oneMillion(scaling),
  ].join("\n\n") + "\n";
}

function sections(scale: Scale, points: Point[], { conditions }: Scaling): string[] {
  if (points.length === 0) return [];
  const note = NOTES[scale.name];
  return [
    `## ${scale.title}`,
    ...(note === undefined ? [] : [note]),
    ...scale.figures.map((figure) => figureTable(scale, points, figure)),
    `${showConditions(conditions[scale.name]!)}.`,
  ];
}

function figureTable(scale: Scale, points: Point[], figure: FigureName): string {
  const { title, decimals } = FIGURES[figure];
  return markdownTable([
    [title, ...points.map(({ value }) => value.toLocaleString("en"))],
    ...scale.labels.map((label) => [
      label,
      ...points.map(({ figures }) => figures[label]?.[figure]?.toFixed(decimals) ?? "none"),
    ]),
  ]);
}

function cores({ cores, conditions }: Scaling): string[] {
  if (cores.length === 0) return [];
  const { payload } = SHARED_LOAD;
  const rows = cores.map(({ runtime, processes, rate, cpu, shares }) => {
    const alone = cores.find((other) => other.runtime === runtime && other.processes === 1)!;
    return [
      `${runtime}, ${processes} process${processes > 1 ? "es" : ""}`,
      rate.toFixed(0),
      `x ${(rate / alone.rate).toFixed(2)}`,
      cpu.toFixed(2),
      shares.map((share) => `${(100 * share).toFixed(0)} %`).join(" and "),
    ];
  });
  return [
    "## More cores",
    "Several processes listen on one port with `reusePort: true`, and the kernel spreads the " +
    "connections over them (`examples/several_cores.ts`). This needs Linux, and Deno, Bun or Node " +
    "22.12 or later. A broadcast reaches only the connections of its own process.",
    `Echo of ${showSize(payload)} of JSON, compressed, without takeover (${
      describe(SHARED_LOAD).replace(/^.*?, .*?, /, "")
    }). Here the load generator has no separate core and shares both.`,
    markdownTable([
      ["", "messages/s", "vs. one", "CPU us/message", "CPU time of each process"],
      ...rows,
    ]),
    `${showConditions(conditions.cores!)}.`,
  ];
}
