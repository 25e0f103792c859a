// The load on a fleet and its result, in the format of the load generator in Go.

/** A load on several servers connected by a broker. */
export interface FleetLoad {
  kind: "fleet";
  /** The ports of the nodes. Connections are assigned to them in turn. */
  ports: number[];
  /** The process IDs of the nodes. */
  pids: number[];
  /** The process IDs of the broker. */
  broker: number[];
  /** The application protocol: plain text messages or Socket.IO packets. */
  protocol: "texts" | "socket.io";
  /** The number of subscribed connections. */
  connections: number;
  /** The number of nodes with a publisher, which is the first connection to the node. */
  publishers: number;
  /** Messages in flight for each publisher; 0 if `rate` applies. */
  depth: number;
  /** Total messages per second of all publishers; 0 if `depth` applies. */
  rate: number;
  /** Message size in bytes. */
  payload: number;
  /** Warm-up time in milliseconds. */
  warmUp: number;
  /** Duration of the measurement in milliseconds. */
  duration: number;
  /** The time limit for the last messages, in milliseconds. Later ones count as lost. */
  timeout: number;
}

/** The counts. */
export interface FleetResult {
  /** Messages received by all connections. */
  messages: number;
  seconds: number;
  /** Seconds of CPU time of the nodes, user and system, all threads. */
  cpu: number;
  /** Seconds of CPU time of the broker. */
  brokerCpu: number;
  /** Seconds of CPU time of the generator. */
  ownCpu: number;
  /** Microseconds from the scheduled time of publishing to the receipt. */
  p50: number;
  p99: number;
  p999: number;
  /** Messages that were not received. */
  lost: number;
}
