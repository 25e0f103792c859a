// Fleets, as data: three nodes that an engine joins, who they are, and what is published through them.

import type { NodeSettings } from "../nodes/settings.ts";
import type { FleetLoad } from "../load/fleet_load.ts";
import type { RuntimeName } from "../support/runtimes.ts";

/** How many nodes a fleet has. */
export const NODES = 3;

/** Nodes of one kind. */
export interface Fleet {
  /** By this name it is chosen with `--peers`. */
  name: string;
  runtime: RuntimeName;
  /** A module in `bench/nodes`. */
  module: string;
  engine: NodeSettings["engine"];
  protocol: FleetLoad["protocol"];
  /** Ours only: the engine keeps a history of the topic. */
  history?: true;
}

/** What is published through a fleet. */
export interface FleetWorkload {
  /** Connections, all of which listen, spread over the nodes. */
  connections: number;
  /** How many of the nodes are published through. */
  publishers: number;
  /** Messages that each publisher keeps under way; 0 for a rate. */
  depth: number;
  /** Messages a second of all publishers together; 0 for as many as go. */
  rate: number;
}

const OURS: readonly Fleet[] = (["node", "bun", "deno"] as const).flatMap((runtime) =>
  (["redis", "nats"] as const).map((engine) => ({
    name: "quickws",
    runtime,
    module: "quickws",
    engine,
    protocol: "texts",
  }))
);

/** All of them, ours first. */
export const FLEETS: readonly Fleet[] = [
  ...OURS,
  ...OURS.slice(0, 2).map((fleet): Fleet => ({ ...fleet, name: "quickws@history", history: true })),
  {
    name: "socket.io",
    runtime: "node",
    module: "socket_io",
    engine: "redis",
    protocol: "socket.io",
  },
  { name: "crossws", runtime: "node", module: "crossws", engine: "redis", protocol: "texts" },
];

/** Bytes of a message. */
export const PAYLOAD = 128;

/** As many as go; then one after another; then at a rate at which none has to hurry. */
export const FLEET_WORKLOADS: readonly FleetWorkload[] = [
  { connections: 300, publishers: NODES, depth: 8, rate: 0 },
  { connections: 3000, publishers: NODES, depth: 8, rate: 0 },
  { connections: 300, publishers: 1, depth: 1, rate: 0 },
  { connections: 300, publishers: NODES, depth: 0, rate: 40 },
  { connections: 3000, publishers: NODES, depth: 0, rate: 4 },
];

/** Runtime, name and engine, which together are unique. */
export function fleetLabel({ runtime, name, engine }: Fleet): string {
  return `${runtime} ${name}, ${engine}`;
}

/** A workload in a few words. */
export function describeFleet({ connections, publishers, depth, rate }: FleetWorkload): string {
  const many = connections.toLocaleString("en");
  const through = publishers === 1 ? "one node" : `all ${publishers} nodes`;
  const what = rate > 0 ? `${rate} messages a second` : `${depth} under way at each`;
  return `${PAYLOAD} B to ${many} connections, through ${through}, ${what}`;
}
