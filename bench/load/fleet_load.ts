// What the load generator in Go is told to do with a fleet, and what it finds.

/** A load on several servers that an engine joins. */
export interface FleetLoad {
  kind: "fleet";
  /** The ports of the nodes, over which the connections are spread in turn. */
  ports: number[];
  /** The processes of the nodes. */
  pids: number[];
  /** The processes of the engine. */
  engine: number[];
  /** What is spoken over WebSocket: texts, or the packets of Socket.IO. */
  protocol: "texts" | "socket.io";
  /** Connections, all of which listen. */
  connections: number;
  /** How many of the nodes are published through, each by the first of its connections. */
  publishers: number;
  /** Messages that each publisher keeps under way; 0 where they go at a rate. */
  depth: number;
  /** Messages a second of all publishers together; 0 where they are kept under way. */
  rate: number;
  /** Bytes of a message. */
  payload: number;
  /** Milliseconds before counting begins. */
  warmUp: number;
  /** Milliseconds of counting. */
  duration: number;
  /** Milliseconds that the last messages may take in the end, before they count as lost. */
  patience: number;
}

/** What was counted. */
export interface FleetResult {
  /** Messages that arrived at a connection. */
  messages: number;
  seconds: number;
  /** Seconds of CPU time of the nodes, user and system, all threads. */
  cpu: number;
  /** Seconds of CPU time of the engine. */
  engineCpu: number;
  /** Seconds of CPU time of the generator. */
  ownCpu: number;
  /** Microseconds from the moment when a message was to be published to its arrival. */
  p50: number;
  p99: number;
  p999: number;
  /** Messages that never arrived. */
  lost: number;
}
