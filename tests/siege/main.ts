// `deno task siege`: attacks the quickws server on each runtime, while honest clients measure the
// latency of their echoes.
//
//   --runtime bun       deno, bun, node, or all of them (default all)
//   --attack bombs      one attack (default all)
//   --server page       page (settings in docs/guide/security.md), defaults, peer (default all)
//   --seconds 3         the minimum duration of each attack
//   --clients 100       the number of honest clients
//   --attackers 1       concurrent flooding attackers
//   --runs 1            runs of each attack; the table shows median and range of the worst echoes
//
// Attacks with compressed messages run against the defaults with compression, the others against
// the settings of the page. Peers have the same settings, as far as they support them. The final
// table is Markdown. Exits with 1 if an honest connection was closed, a quickws server has exited,
// or an attack was not carried out in full.

import { parseArgs } from "node:util";
import { type RuntimeName, runtimeNames } from "../support/runtimes.ts";
import { peers, type ServerKind } from "./servers.ts";
import { type AttackName, attackNames, kindsFor, siege, type SiegeFigures } from "./siege.ts";

const { values } = parseArgs({
  options: {
    runtime: { type: "string", default: "all" },
    attack: { type: "string", default: "all" },
    server: { type: "string", default: "all" },
    seconds: { type: "string", default: "3" },
    clients: { type: "string", default: "100" },
    attackers: { type: "string", default: "1" },
    runs: { type: "string", default: "1" },
  },
});

function chosen<T extends string>(all: readonly T[], value: string, option: string): readonly T[] {
  if (value === "all") return all;
  const names = value.split(",");
  const unknown = names.find((name) => !all.includes(name as T));
  if (unknown !== undefined) {
    throw new Error(`Unknown --${option}: ${unknown}; use ${all.join(", ")}`);
  }
  return names as T[];
}

const kinds = chosen<ServerKind>(["page", "defaults", "peer"], values.server, "server");
const runtimes = chosen<RuntimeName>(runtimeNames, values.runtime, "runtime");
const attacks = chosen<AttackName>(attackNames, values.attack, "attack");

const HEADER = [
  "attack",
  "server",
  "worst echo, ms",
  "p99, ms",
  "peak memory, MiB",
  "honest closed",
  "attack size",
];

function row(name: string, title: string, all: readonly SiegeFigures[]): string[] {
  const worst = all.map((figures) => Math.round(figures.worst)).sort((a, b) => a - b);
  const median = all.toSorted((a, b) => a.worst - b.worst)[all.length >> 1]!;
  const range = worst.length === 1 ? "" : ` (${worst[0]} to ${worst.at(-1)})`;
  const memory = Math.max(...all.map(({ peakMemory }) => peakMemory)) / (1 << 20);
  const closed = Math.max(...all.map((figures) => figures.closed));
  const hasEnded = all.some(({ survived }) => !survived);
  const { opened, sent } = median.attack;
  const isComplete = all.every(({ attack }) => attack.isComplete);
  return [
    name,
    title,
    `${Math.round(median.worst)}${range}`,
    median.p99.toFixed(0),
    memory.toFixed(0),
    hasEnded ? "the server has exited" : String(closed),
    `${isComplete ? "" : "incomplete: "}${opened} connections, ${
      (sent / (1 << 20)).toFixed(1)
    } MiB`,
  ];
}

function line(cells: readonly string[], widths: readonly number[]): string {
  return `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
}

function markdown(rows: readonly (readonly string[])[]): string {
  const all = [HEADER, ...rows];
  const widths = HEADER.map((_, i) => Math.max(...all.map((cells) => cells[i]!.length)));
  const rule = widths.map((width) => "-".repeat(width));
  return [line(HEADER, widths), line(rule, widths), ...rows.map((cells) => line(cells, widths))]
    .join("\n");
}

const WIDTHS = [16, 22, 20, 8, 16, 13, 0];
const rows: string[][] = [];
const faults: string[] = [];
console.log(line(HEADER, WIDTHS));
for (const attack of attacks) {
  for (const runtime of runtimes) {
    for (const kind of kindsFor(attack, runtime).filter((kind) => kinds.includes(kind))) {
      const title = kind === "peer" ? peers[runtime] : `quickws, ${runtime}, ${kind}`;
      const all: SiegeFigures[] = [];
      for (let i = 0; i < Number(values.runs); i++) {
        all.push(
          await siege({
            runtime,
            kind,
            attack,
            seconds: Number(values.seconds),
            clients: Number(values.clients),
            attackers: Number(values.attackers),
          }),
        );
      }
      rows.push(row(attack, title, all));
      console.log(line(rows.at(-1)!, WIDTHS));
      for (const { attack: done, closed, survived, errors } of all) {
        if (!done.isComplete) faults.push(`${attack} on ${title}: the attack was incomplete`);
        if (kind === "peer") continue;
        if (errors !== "") faults.push(`${attack} on ${title}: ${errors.split("\n")[0]}`);
        if (closed > 0) {
          faults.push(`${attack} on ${title}: ${closed} honest connections were closed`);
        }
        if (!survived) faults.push(`${attack} on ${title}: the server has exited`);
      }
    }
  }
}
console.log(`\n${markdown(rows)}\n`);
for (const fault of faults) console.log(fault);
if (faults.length > 0) Deno.exitCode = 1;
