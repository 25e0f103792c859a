// A load and its result, in the format of the load generators: the one in Go, and the one on Node
// for machines without Go.

/** A load on one process. */
export interface Load {
  /**
   * - `echo`: messages in flight on each connection;
   * - `client`: like `echo`, but the generator is the server and the measured process connects to
   * it;
   * - `broadcast`: the first connection sends, the server sends to all;
   * - `publish`: like `broadcast`, but the server sends each message `burst` times;
   * - `idle`: connections without messages;
   * - `held`: like `idle`, but the connections stay open until the generator's input ends; only in
   * Go;
   * - `handshakes`: connections are opened and closed.
   */
  kind: "echo" | "client" | "broadcast" | "publish" | "idle" | "held" | "handshakes";
  /**
   * The process IDs of the measured processes. A `client` load reads the ID from its input instead.
   */
  pids: number[];
  /** The server's port. A `client` load prints the generator's port instead. */
  port: number;
  /** If `false`, there is no opening handshake, and the peer echoes raw bytes. */
  webSocket: boolean;
  /** The Sec-WebSocket-Extensions offer, which the server must accept. */
  extensions: string;
  connections: number;
  /** Messages in flight on each connection. */
  depth: number;
  /** The path of the file that {@linkcode writeFrames} has written. */
  frames: string;
  /** Sizes in bytes of the frames in the file, which are sent repeatedly in this order. */
  sizes: number[];
  /** The number of frames at the beginning that are sent only once. */
  prelude: number;
  /** The opcode of the replies. */
  opcode: number;
  /** Payload size of each reply in bytes; -1 if sizes vary and replies cannot be compared. */
  reply: number;
  /** The largest write in bytes; 0 for no limit. */
  chunk: number;
  /** The number of messages each connection receives per published message. */
  burst: number;
  /** Warm-up time in milliseconds. */
  warmUp: number;
  /** The duration in milliseconds. It is extended if the measured process gets little CPU time. */
  duration: number;
  /** The time limit for the last replies, in milliseconds. Later ones count as lost. */
  timeout: number;
}

/** The counts. */
export interface LoadResult {
  /** The number of replies or deliveries; for `handshakes`, of opened connections. */
  messages: number;
  seconds: number;
  /** Seconds of CPU time of the measured processes, user and system, all threads. */
  cpu: number;
  /** Seconds of CPU time of the generator. */
  ownCpu: number;
  /** Latencies in microseconds. */
  p50: number;
  p99: number;
  p999: number;
  /** Bytes of resident memory of the measured processes at the end. */
  memory: number;
  /** Resident memory before the first connection; `idle` only. */
  memoryBefore: number;
  /** Messages without a reply. */
  lost: number;
}
