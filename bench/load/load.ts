// What a load generator is told to do, and what it finds. Two of them understand this: the one in Go,
// and the one on Node for machines without Go.

/** A load on one process. */
export interface Load {
  /**
   * - `echo`: messages in flight on each connection;
   * - `client`: the same, but the generator is the server and the measured process connects to it;
   * - `broadcast`: the first connection sends, the server sends that to all;
   * - `publish`: the same, but the server sends each message `burst` times;
   * - `idle`: connections that send nothing;
   * - `held`: the same, and they stay open until the generator's input ends; only in Go;
   * - `handshakes`: connections that are opened and closed.
   */
  kind: "echo" | "client" | "broadcast" | "publish" | "idle" | "held" | "handshakes";
  /** The measured processes. The generator of a `client` load reads the one from its input instead. */
  pids: number[];
  /** The server's port. The generator of a `client` load prints its own instead. */
  port: number;
  /** `false`: no opening handshake, and the other side echoes the very bytes. */
  webSocket: boolean;
  /** What the handshake offers in Sec-WebSocket-Extensions; the server has to agree to it. */
  extensions: string;
  connections: number;
  /** Messages in flight on each connection. */
  depth: number;
  /** The file of {@linkcode writeFrames}. */
  frames: string;
  /** Sizes in bytes of the frames in the file, which are sent in turn, over and over. */
  sizes: number[];
  /** How many of the frames are sent only once, at the beginning. */
  prelude: number;
  /** The opcode of the replies. */
  opcode: number;
  /** Bytes of payload of each reply; -1 if they differ and cannot be compared. */
  reply: number;
  /** Most bytes in one write; 0 for no limit. */
  chunk: number;
  /** How many messages each one that is published becomes at each connection. */
  burst: number;
  /** Milliseconds before counting begins. */
  warmUp: number;
  /** Milliseconds of counting; more where the measured process has got too little of its core. */
  duration: number;
  /** Milliseconds that the last replies may take in the end, before they count as lost. */
  patience: number;
}

/** What was counted. */
export interface LoadResult {
  /** Messages that came back, or were delivered; for `handshakes` the connections opened. */
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
  /** The same before the first connection; `idle` only. */
  memoryBefore: number;
  /** Messages that never came back. */
  lost: number;
}
