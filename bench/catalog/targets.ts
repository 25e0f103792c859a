// Speed goals for this library relative to raw sockets and peers, as data.

import type { RuntimeName } from "../support/runtimes.ts";
import type { FigureName } from "../run/figures.ts";
import type { Workload } from "./workloads.ts";

/** A bound on one figure of this library's server. */
export interface Target {
  figure: FigureName;
  /**
   * The reference by whose figure this one is divided. Default: the bound applies to the figure
   * itself.
   */
  against?: string;
  /** Whether `value` is an upper bound (`most`) or a lower bound (`least`). */
  bound: "most" | "least";
  value: number;
}

/** A workload and the targets on each runtime. */
export interface TargetRow {
  /** The name that selects it in `--rows`. */
  name: string;
  workload: Workload;
  targets: Record<RuntimeName, Target[]>;
}

function cpu(against: string, value: number): Target {
  return { figure: "cpu", against, bound: "most", value };
}

function memory(bytes: number): Target[] {
  return [
    { figure: "memory", bound: "most", value: bytes },
    { figure: "memory", against: GO, bound: "most", value: 1 },
  ];
}

function openings(against: string, value: number): Target {
  return { figure: "openings", against, bound: "least", value };
}

/** antlabs/quickws in Go, on one core. */
const GO = "go antlabs";

const BINARY = { kind: "echo", connections: 100 } as const;

/** All rows of the table. */
export const TARGETS: readonly TargetRow[] = [
  {
    name: "one",
    workload: { ...BINARY, payload: 128, depth: 1 },
    targets: {
      node: [cpu("node raw", 1.12), cpu("node ws", 0.75)],
      bun: [cpu("bun raw", 1.15), cpu("bun bun", 1.12)],
      deno: [cpu("deno deno", 1)],
    },
  },
  {
    name: "deep",
    workload: { ...BINARY, payload: 128, depth: 32 },
    targets: {
      node: [cpu("node raw", 1.9), cpu("node uws", 0.75)],
      bun: [cpu("bun bun", 1), cpu("bun raw", 2)],
      deno: [cpu("deno raw", 1.9)],
    },
  },
  {
    name: "text",
    workload: { ...BINARY, payload: 128, depth: 32, text: true },
    targets: {
      node: [cpu("node ws", 0.1)],
      bun: [cpu("bun bun", 1.1)],
      deno: [cpu("deno deno", 0.1)],
    },
  },
  {
    name: "many",
    workload: { kind: "echo", connections: 10_000, payload: 1024, depth: 1 },
    targets: {
      node: [cpu("node raw", 1.1), cpu("node ws", 0.7)],
      bun: [cpu("bun raw", 1.2), cpu("bun bun", 1.2), cpu(GO, 1.05)],
      deno: [
        cpu("deno deno", 0.38),
        { figure: "p999", against: "deno raw@net", bound: "most", value: 2 },
      ],
    },
  },
  {
    name: "large",
    workload: { ...BINARY, payload: 16 * 1024, depth: 8 },
    targets: {
      node: [cpu("node raw", 1.15), cpu(GO, 1.2)],
      bun: [cpu("bun raw", 1.4), cpu(GO, 1)],
      deno: [cpu("deno raw", 1.7), cpu("deno deno", 0.5)],
    },
  },
  {
    name: "broadcast",
    workload: { kind: "broadcast", connections: 10_000, payload: 128, depth: 1 },
    targets: {
      node: [cpu("node ws", 0.85)],
      bun: [cpu("bun bun", 1)],
      deno: [cpu("deno deno", 0.9)],
    },
  },
  {
    name: "publish",
    workload: { kind: "publish", connections: 10_000, payload: 128, depth: 1, burst: 1 },
    targets: { node: [cpu("node ws", 0.85)], bun: [cpu("bun bun", 1)], deno: [] },
  },
  {
    name: "burst",
    workload: { kind: "publish", connections: 10_000, payload: 128, depth: 1, burst: 10 },
    targets: { node: [cpu("node ws", 0.3)], bun: [cpu("bun bun", 1)], deno: [] },
  },
  {
    name: "idle",
    workload: { kind: "idle", connections: 10_000, payload: 0, depth: 1 },
    targets: {
      node: memory(4700),
      bun: memory(2200),
      deno: memory(6000),
    },
  },
  {
    name: "handshakes",
    workload: { kind: "handshakes", connections: 64, payload: 0, depth: 1 },
    targets: {
      node: [openings("node ws", 1)],
      bun: [openings("bun bun", 0.8)],
      deno: [openings("deno deno", 1)],
    },
  },
];
