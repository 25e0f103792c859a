// `deno task bench plots`: draws the results in `bench/results` into the same directory.

import { isOwn, PARTICIPANTS } from "../catalog/participants.ts";
import { type Comparison, showAllConditions } from "../run/compare.ts";
import { showConditions } from "../run/conditions.ts";
import type { FigureName } from "../run/figures.ts";
import type { Scaling } from "../run/scaling_points.ts";
import { load, save } from "../run/store.ts";
import type { WorkloadOutcome } from "../run/suite.ts";
import type { Workload } from "../catalog/workloads.ts";
import { bars, type Panel, type Row } from "./bars.ts";
import { type Line, lines } from "./lines.ts";

/** The plotted participants, by label, and their names in the plots. */
const SHOWN: Record<string, string> = {
  "node quickws": "quickws on Node",
  "node ws": "ws",
  "node ws+bufferutil": "ws + bufferutil",
  "node uws": "uWebSockets.js",
  "node raw": "raw node:net",
  "bun quickws": "quickws on Bun",
  "bun bun": "Bun.serve",
  "bun raw": "raw Bun.listen",
  "deno quickws": "quickws on Deno",
  "deno deno": "upgradeWebSocket",
  "deno raw": "raw Deno.listen",
  "deno raw@net": "raw node:net",
  "go antlabs": "quickws (Go)",
  "go gws": "gws (Go)",
  "go gorilla": "gorilla (Go)",
};

interface PanelSource {
  title: string;
  file: string;
  workload: Partial<Workload>;
  figure: FigureName;
  show(value: number): string;
}

const ECHO: PanelSource[] = [
  {
    title: "1 in flight",
    file: "echo.json",
    workload: { payload: 128, depth: 1, connections: 100, text: undefined },
    figure: "cpu",
    show: (value) => value.toFixed(1),
  },
  {
    title: "32 in flight",
    file: "echo.json",
    workload: { payload: 128, depth: 32, connections: 100, text: undefined },
    figure: "cpu",
    show: (value) => value.toFixed(value < 10 ? 2 : 1),
  },
];

const MEMORY: PanelSource[] = [
  {
    title: "Bytes",
    file: "idle.json",
    workload: { connections: 10_000 },
    figure: "memory",
    show: (value) => Math.round(value).toLocaleString("en"),
  },
];

function find({ file, workload }: PanelSource): WorkloadOutcome | undefined {
  return load<WorkloadOutcome[]>(file)?.find((outcome) =>
    Object.entries(workload).every(([key, value]) =>
      outcome.workload[key as keyof Workload] === value
    )
  );
}

function drawBars(file: string, title: string, sources: PanelSource[], unit: string): void {
  const outcomes = sources.map(find);
  const [first] = outcomes;
  if (first === undefined || outcomes.includes(undefined)) {
    console.error(`${file} not drawn: results missing in ${sources.map(({ file }) => file)}`);
    return;
  }
  const rows: (Row & { key: string })[] = [];
  for (const participant of PARTICIPANTS) {
    const key = `${participant.runtime} ${participant.name}`;
    if (SHOWN[key] === undefined) continue;
    rows.push({
      key,
      label: SHOWN[key],
      role: participant.raw ? "raw" : isOwn(participant) ? "own" : "peer",
      begins: PARTICIPANTS.find(({ runtime }) => runtime === participant.runtime) === participant,
    });
  }
  const panels = sources.map(({ title, figure, show }, index): Panel => ({
    title,
    show,
    values: rows.map(({ key }) =>
      outcomes[index]!.entries.find(({ label }) => label === key)?.figures[figure]
    ),
  }));
  save(file, bars(title, rows, panels, `${unit} ${showConditions(first.conditions)}.`));
}

const GROWTH: Omit<Line, "points">[] = [
  { label: "node quickws", color: "second" },
  { label: "bun quickws", color: "own" },
  { label: "deno quickws", color: "third" },
  { label: "deno quickws@listen", color: "third", dashed: true },
  { label: "node raw", color: "raw" },
  { label: "bun raw", color: "raw" },
];

function drawGrowth(): void {
  const scaling = load<Scaling>("scaling.json");
  const points = scaling?.points.connections;
  if (scaling === undefined || points === undefined) {
    console.error("connections.svg not drawn: results missing in scaling.json");
    return;
  }
  const all = GROWTH.map((line): Line => ({
    ...line,
    points: points.flatMap(({ value, figures }) => {
      const cpu = figures[line.label]?.cpu;
      return cpu === undefined ? [] : [{ x: value, y: cpu }];
    }),
  }));
  save(
    "connections.svg",
    lines(
      "Cost of a 1 KiB echo by number of connections",
      {
        x: "connections, 1 message in flight on each",
        y: "CPU time of the server, us per message",
      },
      all.filter(({ points }) => points.length > 1),
      `Lower is better. ${showConditions(scaling.conditions.connections!)}.`,
    ),
  );
}

/** The panels of `ws.svg`, by the keys of the rows in `ws.json`. */
const WS_PANELS: Record<string, string> = {
  "echo 1": "echo, 1 in flight, us",
  "echo 32": "echo, 32 in flight, us",
  "broadcast": "broadcast, 1 delivery, us",
  "socket.io 1": "socket.io, 1 in flight, us",
  "socket.io 32": "socket.io, 32 in flight, us",
  "idle": "idle connection, bytes",
};

/** Draws the results of programs for `ws`, with `ws` and with `quickws/ws`. */
export function drawWs(): void {
  const comparisons = load<Comparison[]>("ws.json");
  if (comparisons === undefined) {
    console.error("ws.svg not drawn: ws.json is missing");
    return;
  }
  const programs = comparisons.flatMap((comparison) =>
    comparison.variants.map((variant, index) => ({ comparison, variant, index }))
  );
  const rows = programs.map(({ comparison: { runtime, quickws }, variant, index }): Row => ({
    label: `${variant}, ${runtime[0]!.toUpperCase()}${runtime.slice(1)}`,
    role: variant === quickws ? "own" : "peer",
    begins: index === 0,
  }));
  const panels = Object.entries(WS_PANELS).map(([key, title]): Panel => ({
    title,
    show: (value) =>
      key === "idle" ? Math.round(value).toLocaleString("en") : value.toFixed(value < 10 ? 2 : 1),
    values: programs.map(({ comparison, variant }) =>
      comparison.rows.find((row) => row.key === key)?.figures[variant]?.median
    ),
  }));
  save(
    "ws.svg",
    bars(
      "Programs written for ws, with ws and with quickws/ws",
      rows,
      panels,
      "CPU time of the server per message of 128 B, user and system, all threads, with 100 " +
        "connections (broadcast: 1,000), and resident memory per idle connection; lower is " +
        'better. On Bun, "ws" is the built-in module. ' +
        `${showAllConditions(comparisons)}.`,
      3,
    ),
  );
}

/** Draws all plots that have results. */
export function drawPlots(): void {
  drawBars(
    "echo.svg",
    "Server CPU time per echoed message of 128 B, 100 connections",
    ECHO,
    "Microseconds, user and system, all threads of the server; lower is better. Raw sockets " +
      "echo bytes without WebSocket and are the limit.",
  );
  drawBars(
    "memory.svg",
    "Memory per idle connection, with 10,000 connections",
    MEMORY,
    "Growth of the server process's resident memory per connection; lower is better.",
  );
  drawGrowth();
  drawWs();
}
