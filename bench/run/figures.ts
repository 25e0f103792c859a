// The figures computed from the generator's counts.

import type { Workload } from "../catalog/workloads.ts";
import type { LoadResult } from "../load/load.ts";
import { median } from "../support/table.ts";

/** The name of a figure. */
export type FigureName =
  | "cpu"
  | "publish"
  | "rate"
  | "p50"
  | "p99"
  | "p999"
  | "resident"
  | "memory"
  | "openings"
  | "busy"
  | "load";

/** A figure: a title with the unit, the computation, and the number of decimals. */
export interface Figure {
  title: string;
  of(result: LoadResult, workload: Workload): number;
  decimals: number;
}

/** All figures. */
export const FIGURES: Record<FigureName, Figure> = {
  cpu: {
    title: "CPU us/message",
    of: ({ cpu, messages }) => cpu * 1e6 / messages,
    decimals: 2,
  },
  publish: {
    title: "CPU us/publish",
    of: ({ cpu, messages }, { connections }) => cpu * 1e6 * connections / messages,
    decimals: 1,
  },
  rate: {
    title: "messages/s",
    of: ({ messages, seconds }) => messages / seconds,
    decimals: 0,
  },
  p50: { title: "p50 ms", of: ({ p50 }) => p50 / 1000, decimals: 2 },
  p99: { title: "p99 ms", of: ({ p99 }) => p99 / 1000, decimals: 2 },
  p999: { title: "p99.9 ms", of: ({ p999 }) => p999 / 1000, decimals: 2 },
  resident: { title: "MiB", of: ({ memory }) => memory / (1 << 20), decimals: 0 },
  memory: {
    title: "B/connection",
    of: ({ memory, memoryBefore }, { connections }) => (memory - memoryBefore) / connections,
    decimals: 0,
  },
  openings: {
    title: "handshakes per CPU second",
    of: ({ messages, cpu }) => messages / cpu,
    decimals: 0,
  },
  // Near 100, the server is the bottleneck; far below, the generator or another program is.
  busy: {
    title: "core %",
    of: ({ cpu, seconds }) => 100 * cpu / seconds,
    decimals: 0,
  },
  // CPU time of the generator. If it exceeds the server's, the generator limits the rate.
  load: {
    title: "load us/message",
    of: ({ ownCpu, messages }) => ownCpu * 1e6 / messages,
    decimals: 2,
  },
};

/** Returns the median of a figure over rounds. */
export function medianOf(name: FigureName, results: LoadResult[], workload: Workload): number {
  return median(results.map((result) => FIGURES[name].of(result, workload)));
}

/** Returns the median of the per-round ratios of two participants. */
export function medianRatio(
  name: FigureName,
  own: LoadResult[],
  others: LoadResult[],
  workload: Workload,
): number {
  const { of } = FIGURES[name];
  const rounds = Math.min(own.length, others.length);
  return median(
    Array.from(
      { length: rounds },
      (_, round) => of(own[round]!, workload) / of(others[round]!, workload),
    ),
  );
}
