// The port to an engine that carries published messages between processes and machines.

/** Who hears of a {@linkcode Backplane}: the server that it was given to. None of these throws. */
export interface BackplaneSink {
  /** A message came, as some server handed it to {@linkcode Backplane.publish}. */
  message(topic: string, message: Uint8Array): void;
  /**
   * The engine can be used, for the first time or again. All subscriptions are made anew from inside
   * this call, then what has waited is published.
   */
  up(): void;
  /** The engine is away: nothing is asked of it until it is {@linkcode BackplaneSink.up}. */
  down(error: unknown): void;
}

/**
 * An engine that carries published messages to the servers of other processes and machines. Any that
 * delivers the messages of one publisher and topic in order will do; what it delivers twice, arrives
 * twice.
 *
 * The methods may return promises, which are not waited for; one that throws or rejects is reported to
 * `onError`, and what it was to do counts as not done. They may call the sink at any time.
 */
export interface Backplane {
  /** Begins; `sink` hears of everything from here on. Called once, before all others. */
  start(sink: BackplaneSink): unknown;
  /** Sends a message to all servers that subscribed to the topic; whether this one is, is no matter. */
  publish(topic: string, message: Uint8Array): unknown;
  /** Wants the messages of a topic: a name of 1 to 1024 bytes of UTF-8, with any characters. */
  subscribe(topic: string): unknown;
  /** Wants them no more. */
  unsubscribe(topic: string): unknown;
  /** The server is shut down; nothing follows. */
  close(): unknown;
}

/** The messages that wait while the engine is away. */
export interface BackplaneQueueOptions {
  /** Bytes that wait at most, topics included. Default: 16777216 (16 MiB). */
  maxBytes?: number;
  /** What is given up when there is no more room. Default: `"oldest"`. */
  drop?: "oldest" | "newest";
}
