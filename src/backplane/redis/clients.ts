// The clients of Redis that are taken, as far as they are used: declared here, so that the library
// depends on none of them.

/** A client of the package `redis`: what its `createClient` makes. */
export interface NodeRedisClient {
  /** Whether it is connected. */
  readonly isReady: boolean;
  /** Makes another client with the same settings. */
  duplicate(): NodeRedisClient;
  /** Connects. */
  connect(): Promise<unknown>;
  /** Ends the connection at once. */
  destroy(): void;
  /** Listens to an event. */
  on(event: string, listener: (...values: unknown[]) => void): unknown;
  /** Publishes a message. */
  publish(channel: string, message: string): Promise<unknown>;
  /** Wants the messages of a channel. */
  subscribe(
    channel: string,
    listener: (message: Uint8Array, channel: Uint8Array) => void,
    bufferMode: true,
  ): Promise<unknown>;
  /** Wants them no more. */
  unsubscribe(channel: string): Promise<unknown>;
  /** Sends any command. */
  sendCommand(command: readonly string[]): Promise<unknown>;
}

/** A client of the package `ioredis`: a `Redis`, or a `Cluster`. */
export interface IoRedisClient {
  /** Where its connection stands. */
  readonly status: string;
  /** Makes another client with the same settings. */
  duplicate(): IoRedisClient;
  /** Connects. */
  connect(): Promise<unknown>;
  /** Ends the connection at once. */
  disconnect(): void;
  /** Listens to an event. */
  on(event: string, listener: (...values: unknown[]) => void): unknown;
  /** Publishes a message. */
  publish(channel: string, message: string): Promise<unknown>;
  /** Wants the messages of a channel. */
  subscribe(channel: string): Promise<unknown>;
  /** Wants them no more. */
  unsubscribe(channel: string): Promise<unknown>;
  /** Sends any command. */
  call(command: string, ...args: string[]): Promise<unknown>;
}

/** A client of Bun: a `RedisClient`. */
export interface BunRedisClient {
  /** Whether it is connected. */
  readonly connected: boolean;
  /** Is called when it is connected, also again. */
  onconnect: ((...values: never[]) => void) | null;
  /** Is called when it is connected no more, and tries no more. */
  onclose: ((error: Error) => void) | null;
  /** Makes another client with the same settings. */
  duplicate(): Promise<BunRedisClient>;
  /** Connects. */
  connect(): Promise<unknown>;
  /** Ends the connection at once. */
  close(): void;
  /** Publishes a message. */
  publish(channel: string, message: string): Promise<unknown>;
  /** Wants the messages of a channel. */
  subscribe(
    channel: string,
    listener: (message: string, channel: string) => void,
  ): Promise<unknown>;
  /** Wants them no more. */
  unsubscribe(channel: string): Promise<unknown>;
  /** Sends any command. */
  send(command: string, args: string[]): Promise<unknown>;
}

/** Any of the clients that are taken. */
export type RedisClient = NodeRedisClient | IoRedisClient | BunRedisClient;
