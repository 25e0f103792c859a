// The scales of the scaling report, as data.

import type { FigureName } from "../run/figures.ts";
import type { Workload } from "./workloads.ts";

/** One parameter of a workload that grows. */
export interface Scale {
  name: string;
  title: string;
  values: number[];
  workload(value: number): Workload;
  /** The labels of the measured participants. */
  labels: string[];
  /** The reported figures, one table each. */
  figures: FigureName[];
}

const KIB = 1024;
const OWN = ["node quickws", "bun quickws", "deno quickws"];
const BOTH = [...OWN, "node raw", "bun raw", "deno raw"];
const ALL = [...BOTH, "deno quickws@listen", "deno raw@net"];

/** Payloads of this size or more use fewer connections, to fit the kernel's socket buffers. */
const HUGE = 256 * KIB;

/** All scales. */
export const SCALES: readonly Scale[] = [
  {
    name: "connections",
    title: "Connections: 1 KiB binary, 1 in flight on each",
    values: [100, 1000, 5000, 10_000, 15_000],
    workload: (connections) => ({ kind: "echo", connections, payload: KIB, depth: 1 }),
    labels: ALL,
    figures: ["cpu", "p999", "resident"],
  },
  {
    name: "idle",
    title: "Idle connections",
    values: [1000, 5000, 15_000],
    workload: (connections) => ({ kind: "idle", connections, payload: 0, depth: 1 }),
    labels: ALL,
    figures: ["memory"],
  },
  {
    name: "payload",
    title: "Payload in bytes: binary, 100 connections (8 from 256 KiB on), 1 in flight on each",
    values: [16, 128, KIB, 16 * KIB, HUGE, 4096 * KIB],
    workload: (payload) => ({
      kind: "echo",
      connections: payload < HUGE ? 100 : 8,
      payload,
      depth: 1,
    }),
    labels: BOTH,
    figures: ["cpu"],
  },
  {
    name: "depth",
    title: "Messages in flight: 128 B binary, 100 connections",
    values: [1, 8, 32, 128],
    workload: (depth) => ({ kind: "echo", connections: 100, payload: 128, depth }),
    labels: BOTH,
    figures: ["cpu"],
  },
];
