// The measured workloads, as data.

import type { Load } from "../load/load.ts";
import type { Compression } from "../servers/settings.ts";

/** One kind of load with its numbers. */
export interface Workload {
  kind: Load["kind"];
  connections: number;
  /** Messages in flight on each connection; in a broadcast, messages that not all have received. */
  depth: number;
  /** Message size in bytes. */
  payload: number;
  /** Text instead of binary messages. If a server can choose, it delivers them as strings. */
  text?: boolean;
  compression?: Compression;
  /** The largest write of the generator, in bytes. */
  chunk?: number;
  /** The number of times the server publishes each message in one turn. Default: 1. */
  burst?: number;
}

/** A group of workloads that are reported together. */
export interface Suite {
  title: string;
  workloads: Workload[];
  /** The main figure: see `FIGURES` in `run/figures.ts`. */
  figure: "cpu" | "publish" | "memory" | "openings";
}

const KIB = 1024;
const MIB = 1024 * KIB;

function echo(payload: number, depth: number, connections = 100, more = {}): Workload {
  return { kind: "echo", payload, depth, connections, ...more };
}

function publish(connections: number, burst = 1): Workload {
  return { kind: "publish", payload: 128, depth: 1, connections, burst };
}

/** The suites by their `deno task bench` command. */
export const SUITES: Record<string, Suite> = {
  echo: {
    title: "Echo",
    figure: "cpu",
    workloads: [
      echo(16, 1),
      echo(128, 1),
      echo(128, 8),
      echo(128, 32),
      echo(128, 128),
      echo(128, 32, 100, { text: true }),
      // The pipelined echo of HttpArena: "hello" as text, 16 in flight on each of 512 connections.
      echo(5, 16, 512, { text: true }),
      echo(KIB, 1),
      echo(16 * KIB, 8),
      echo(256 * KIB, 1, 32),
      echo(4 * MIB, 1, 8),
      echo(KIB, 1, 10_000),
    ],
  },
  broadcast: {
    title: "Broadcast",
    figure: "cpu",
    workloads: [1000, 10_000].map((connections) => ({
      kind: "broadcast",
      payload: 128,
      depth: 1,
      connections,
    })),
  },
  publish: {
    title: "Publish to a topic",
    figure: "publish",
    workloads: [
      ...[1, 1000, 10_000].map((connections) => publish(connections)),
      ...[1000, 10_000].map((connections) => publish(connections, 10)),
    ],
  },
  idle: {
    title: "Idle connections",
    figure: "memory",
    workloads: [{ kind: "idle", payload: 0, depth: 1, connections: 10_000 }],
  },
  handshakes: {
    title: "Handshakes",
    figure: "openings",
    workloads: [{ kind: "handshakes", payload: 0, depth: 1, connections: 64 }],
  },
  compressed: {
    title: "Echo of compressed JSON",
    figure: "cpu",
    workloads: [128, KIB, 64 * KIB].flatMap((payload) =>
      (["alone", "takeover"] as const).map((compression) =>
        echo(payload, payload > KIB ? 1 : 8, 50, { text: true, compression })
      )
    ),
  },
  client: {
    title: "Client that echoes",
    figure: "cpu",
    workloads: [echo(128, 1), echo(128, 32), echo(16 * KIB, 8)].map((workload) => ({
      ...workload,
      kind: "client",
    })),
  },
  chunks: {
    title: "Echo of messages received in chunks of one byte",
    figure: "cpu",
    workloads: [echo(128, 1, 10, { chunk: 1 })],
  },
};

/** Formats a number of bytes in the largest unit that divides it. */
export function showSize(bytes: number): string {
  if (bytes >= MIB && bytes % MIB === 0) return `${bytes / MIB} MiB`;
  return bytes >= KIB && bytes % KIB === 0 ? `${bytes / KIB} KiB` : `${bytes} B`;
}

/** Describes a workload in a few words. */
export function describe(workload: Workload): string {
  const { kind, connections, depth, payload, text, compression, chunk, burst = 1 } = workload;
  const many = connections.toLocaleString("en");
  if (kind === "idle") return `${many} idle connections`;
  if (kind === "handshakes") return `handshakes, ${many} at a time`;
  if (kind === "broadcast") return `${showSize(payload)} to ${many} connections`;
  if (kind === "publish") {
    const times = burst === 1 ? "" : `, ${burst} per turn`;
    return `${showSize(payload)} to ${many} subscriber${connections === 1 ? "" : "s"}${times}`;
  }
  const content = compression ? `JSON, ${compression}` : text ? "text" : "binary";
  const chunks = chunk ? `, chunks of ${chunk} B` : "";
  return `${showSize(payload)} ${content}, ${many} connections, ${depth} in flight${chunks}`;
}
