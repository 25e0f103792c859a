// `deno task siege`: attackers against our server on each runtime, while honest clients measure their echo.
//
//   --runtime bun       deno, bun, node, or all of them (default all)
//   --attack bombs      one attack (default all)
//   --server page       page (settings of docs/guide/security.md), defaults, peer, or all (default all)
//   --seconds 10        how long each attack lasts
//   --clients 100       honest clients
//   --attackers 1       attackers that flood at the same time
//   --runs 1            runs of each; the table has the median of the worst echoes, and their range

import { parseArgs } from "node:util";
import { type RuntimeName, runtimeNames } from "../support/runtimes.ts";
import { peers, type ServerKind } from "./servers.ts";
import { type AttackName, attackNames, siege, type SiegeFigures } from "./siege.ts";

const { values } = parseArgs({
  options: {
    runtime: { type: "string", default: "all" },
    attack: { type: "string", default: "all" },
    server: { type: "string", default: "all" },
    seconds: { type: "string", default: "10" },
    clients: { type: "string", default: "100" },
    attackers: { type: "string", default: "1" },
    runs: { type: "string", default: "1" },
  },
});

function chosen<T extends string>(all: readonly T[], value: string, option: string): readonly T[] {
  if (value === "all") return all;
  const names = value.split(",");
  const unknown = names.find((name) => !all.includes(name as T));
  if (unknown !== undefined) throw new Error(`--${option} is ${all.join(", ")}, not ${unknown}`);
  return names as T[];
}

const kinds = chosen<ServerKind>(["page", "defaults", "peer"], values.server, "server");
const runtimes = chosen<RuntimeName>(runtimeNames, values.runtime, "runtime");
const attacks = chosen<AttackName>(attackNames, values.attack, "attack");

function row(name: string, title: string, all: readonly SiegeFigures[]): string {
  const worst = all.map((figures) => Math.round(figures.worst)).sort((a, b) => a - b);
  const median = all.toSorted((a, b) => a.worst - b.worst)[all.length >> 1]!;
  const range = worst.length === 1 ? "" : ` (${worst[0]} to ${worst.at(-1)})`;
  const memory = Math.max(...all.map(({ peakMemory }) => peakMemory)) / (1 << 20);
  const closed = Math.max(...all.map((figures) => figures.closed));
  const died = all.some(({ survived }) => !survived) ? "died" : "";
  const cells = [
    name.padEnd(16),
    title.padEnd(20),
    `${Math.round(median.worst)}${range}`.padStart(20),
    median.p99.toFixed(0).padStart(6),
    median.median.toFixed(1).padStart(7),
    `${memory.toFixed(0)} MiB`.padStart(9),
    String(closed).padStart(7),
    died,
  ];
  return cells.join(" ");
}

console.log(
  "attack           server                  worst echo (ms)    p99  median    memory  closed",
);
for (const attack of attacks) {
  for (const runtime of runtimes) {
    for (const kind of kinds) {
      const title = kind === "peer" ? peers[runtime] : `quickws ${runtime} ${kind}`;
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
      console.log(row(attack, title.slice(0, 20), all));
      for (const text of new Set(all.map(({ errors }) => errors.split("\n")[0]))) {
        if (text !== "") console.log(`    ${text}`);
      }
    }
  }
}
