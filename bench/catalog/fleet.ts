// Fleets (three nodes connected by a broker) and their workloads, as data.

import type { NodeSettings } from "../nodes/settings.ts";
import type { FleetLoad } from "../load/fleet_load.ts";
import type { RuntimeName } from "../support/runtimes.ts";

/** The number of nodes in a fleet. */
export const NODES = 3;

/** A fleet of equal nodes. */
export interface Fleet {
  /** The name that selects it in `--peers`. */
  name: string;
  runtime: RuntimeName;
  /** A module in `bench/nodes`. */
  module: string;
  broker: NodeSettings["broker"];
  protocol: FleetLoad["protocol"];
  /** Only quickws: the broker keeps a history of the topic. */
  history?: true;
}

/** The load on a fleet. */
export interface FleetWorkload {
  /** Subscribed connections, spread over the nodes. */
  connections: number;
  /** The number of nodes that have a publisher. */
  publishers: number;
  /** Messages in flight for each publisher; 0 if `rate` applies. */
  depth: number;
  /** Total messages per second of all publishers; 0 for no rate limit. */
  rate: number;
}

const OWN: readonly Fleet[] = (["node", "bun", "deno"] as const).flatMap((runtime) =>
  (["redis", "nats"] as const).map((broker) => ({
    name: "quickws",
    runtime,
    module: "quickws",
    broker,
    protocol: "texts",
  }))
);

/** All fleets, this library first. */
export const FLEETS: readonly Fleet[] = [
  ...OWN,
  ...OWN.slice(0, 2).map((fleet): Fleet => ({ ...fleet, name: "quickws@history", history: true })),
  {
    name: "socket.io",
    runtime: "node",
    module: "socket_io",
    broker: "redis",
    protocol: "socket.io",
  },
  { name: "crossws", runtime: "node", module: "crossws", broker: "redis", protocol: "texts" },
];

/** The message size in bytes. */
export const PAYLOAD = 128;

/** The workloads: at saturation, then one message at a time, then at a low fixed rate. */
export const FLEET_WORKLOADS: readonly FleetWorkload[] = [
  { connections: 300, publishers: NODES, depth: 8, rate: 0 },
  { connections: 3000, publishers: NODES, depth: 8, rate: 0 },
  { connections: 300, publishers: 1, depth: 1, rate: 0 },
  { connections: 300, publishers: NODES, depth: 0, rate: 40 },
  { connections: 3000, publishers: NODES, depth: 0, rate: 4 },
];

/** A unique label: runtime, name and broker. */
export function fleetLabel({ runtime, name, broker }: Fleet): string {
  return `${runtime} ${name}, ${broker}`;
}

/** Describes a workload in a few words. */
export function describeFleet({ connections, publishers, depth, rate }: FleetWorkload): string {
  const many = connections.toLocaleString("en");
  const through = publishers === 1 ? "one node" : `all ${publishers} nodes`;
  const pace = rate > 0 ? `${rate} messages per second` : `${depth} in flight for each publisher`;
  return `${PAYLOAD} B to ${many} connections, through ${through}, ${pace}`;
}
