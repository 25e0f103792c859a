// The parts of the Redis clients that the backplane uses, declared here to avoid dependencies; and
// a function to connect with each client.

import { answered, type Dial, type RedisConnection, type RedisListener } from "./connection.ts";

/** Milliseconds between connection checks: Bun's client does not report a lost connection. */
const CHECK_INTERVAL = 100;

/**
 * A client of the package `redis`, created by `createClient`.
 *
 * @category Backplanes
 */
export interface NodeRedisClient {
  /** Whether it is connected. */
  readonly isReady: boolean;
  /** Creates another client with the same settings. */
  duplicate(changes?: { commandOptions?: { timeout?: number } }): NodeRedisClient;
  /** Connects. */
  connect(): Promise<unknown>;
  /** Closes the connection at once. */
  destroy(): void;
  /** Adds an event listener. */
  on(event: string, listener: (...values: unknown[]) => void): unknown;
  /** Publishes a message. */
  publish(channel: string, message: string): Promise<unknown>;
  /** Subscribes to a channel. */
  subscribe(
    channel: string,
    listener: (message: Uint8Array, channel: Uint8Array) => void,
    bufferMode: true,
  ): Promise<unknown>;
  /** Unsubscribes from a channel. */
  unsubscribe(channel: string): Promise<unknown>;
  /** Sends a command. */
  sendCommand(command: readonly string[]): Promise<unknown>;
}

/**
 * A client of the package `ioredis`: a `Redis`, or a `Cluster`.
 *
 * @category Backplanes
 */
export interface IoRedisClient {
  /** The state of its connection. */
  readonly status: string;
  /** Creates another client with the same settings. */
  duplicate(): IoRedisClient;
  /** Connects. */
  connect(): Promise<unknown>;
  /** Closes the connection at once. */
  disconnect(): void;
  /** Adds an event listener. */
  on(event: string, listener: (...values: unknown[]) => void): unknown;
  /** Publishes a message. */
  publish(channel: string, message: string): Promise<unknown>;
  /** Subscribes to a channel. */
  subscribe(channel: string): Promise<unknown>;
  /** Unsubscribes from a channel. */
  unsubscribe(channel: string): Promise<unknown>;
  /** Sends a command. */
  call(command: string, ...args: string[]): Promise<unknown>;
}

/**
 * Bun's own client, a `RedisClient`.
 *
 * @category Backplanes
 */
export interface BunRedisClient {
  /** Whether it is connected. */
  readonly connected: boolean;
  /** Called on each connection and reconnection. */
  onconnect: ((...values: never[]) => void) | null;
  /** Called on a disconnection without reconnection. */
  onclose: ((error: Error) => void) | null;
  /** Creates another client with the same settings. */
  duplicate(): Promise<BunRedisClient>;
  /** Connects. */
  connect(): Promise<unknown>;
  /** Closes the connection at once. */
  close(): void;
  /** Publishes a message. */
  publish(channel: string, message: string): Promise<unknown>;
  /** Subscribes to a channel. */
  subscribe(
    channel: string,
    listener: (message: string, channel: string) => void,
  ): Promise<unknown>;
  /** Unsubscribes from a channel. */
  unsubscribe(channel: string): Promise<unknown>;
  /** Sends a command. */
  send(command: string, args: string[]): Promise<unknown>;
}

/**
 * Any of the accepted clients.
 *
 * @category Backplanes
 */
export type RedisClient = NodeRedisClient | IoRedisClient | BunRedisClient;

/**
 * Returns a function that connects with the settings of a client.
 *
 * @throws {TypeError} When it is not one of the accepted clients.
 */
export function dialWith(client: RedisClient): Dial {
  if (has<NodeRedisClient>(client, ["duplicate", "sendCommand", "destroy"], "isReady")) {
    return (listener, signal) => dialNodeRedis(client, listener, signal);
  }
  if (has<IoRedisClient>(client, ["duplicate", "call", "disconnect"], "status")) {
    return (listener, signal) => dialIoRedis(client, listener, signal);
  }
  if (has<BunRedisClient>(client, ["duplicate", "send", "close"], "connected")) {
    return (listener, signal) => dialBunRedis(client, listener, signal);
  }
  throw new TypeError(
    "redisBackplane takes a client of the package redis (5 or newer) or ioredis, or a RedisClient of Bun",
  );
}

/** Whether a client has these methods and a property of this name. */
function has<C extends RedisClient>(
  client: unknown,
  methods: readonly (keyof C & string)[],
  property: keyof C & string,
): client is C {
  if (typeof client !== "object" || client === null) return false;
  const members = client as Record<string, unknown>;
  return property in members && methods.every((name) => typeof members[name] === "function");
}

const decoder = new TextDecoder();

/** Connects with the package `redis`. */
async function dialNodeRedis(
  original: NodeRedisClient,
  listener: RedisListener,
  signal: AbortSignal,
): Promise<RedisConnection> {
  // By default the client drops commands that it could not write within 5 seconds, as on a busy
  // machine. The heartbeat finds a connection that makes no progress.
  const client = original.duplicate({ commandOptions: { timeout: 0 } });
  // The client reports every disconnection as an error, then reconnects. An error event without a
  // listener would end the process.
  const failed = new Promise<never>((_, reject) => {
    client.on("error", (error) => {
      reject(error);
      listener.lost(error);
    });
  });
  await connected(Promise.race([client.connect(), failed]), signal, () => client.destroy());
  const received = (message: Uint8Array, channel: Uint8Array): void =>
    listener.message(decoder.decode(channel), message);
  return {
    get isReady() {
      return client.isReady;
    },
    publish: (channel, message) => client.publish(channel, message),
    command: (...command) => client.sendCommand(command),
    subscribe: (channel) => client.subscribe(channel, received, true),
    unsubscribe: (channel) => client.unsubscribe(channel),
    close: () => client.destroy(),
  };
}

/** Connects with the package `ioredis`. */
async function dialIoRedis(
  original: IoRedisClient,
  listener: RedisListener,
  signal: AbortSignal,
): Promise<RedisConnection> {
  const client = original.duplicate();
  let cause: unknown = new Error("The connection to Redis was closed");
  // The client prints errors that have no listener.
  client.on("error", (error) => void (cause = error));
  client.on("messageBuffer", (channel, message) => {
    listener.message(decoder.decode(channel as Uint8Array), message as Uint8Array);
  });
  const ready = new Promise<void>((resolve, reject) => {
    client.on("ready", () => resolve());
    // The client reports every disconnection this way, then reconnects.
    client.on("close", () => {
      reject(cause);
      listener.lost(cause);
    });
    // A client with `lazyConnect` waits for this call.
    if (client.status === "wait") client.connect().catch(reject);
  });
  await connected(ready, signal, () => client.disconnect());
  return {
    get isReady() {
      return client.status === "ready";
    },
    publish: (channel, message) => client.publish(channel, message),
    command: (name, ...args) => client.call(name, ...args),
    subscribe: (channel) => client.subscribe(channel),
    unsubscribe: (channel) => client.unsubscribe(channel),
    close: () => client.disconnect(),
  };
}

/** Connects with Bun's own client. */
async function dialBunRedis(
  original: BunRedisClient,
  listener: RedisListener,
  signal: AbortSignal,
): Promise<RedisConnection> {
  const client = await original.duplicate();
  let timer: ReturnType<typeof setInterval> | undefined = undefined;
  const close = (): void => {
    clearInterval(timer);
    client.onconnect = client.onclose = null;
    client.close();
  };
  // The client emits each message in a separate turn of the event loop. Messages that arrived
  // together are delivered in one turn, so that each connection sends them in one write.
  const received: [channel: string, message: string][] = [];
  const passOn = (): void => {
    for (const [channel, message] of received.splice(0)) listener.message(channel, message);
  };
  const receive = (message: string, channel: string): void => {
    if (received.push([channel, message]) === 1) setImmediate(passOn);
  };
  const lost = (error: unknown): void => {
    clearInterval(timer);
    passOn();
    listener.lost(error);
  };
  await connected(client.connect(), signal, close);
  timer = setInterval(() => {
    if (!client.connected) lost(new Error("Disconnected from Redis"));
  }, CHECK_INTERVAL);
  // A client that has reconnected between two checks has lost its subscriptions.
  client.onconnect = () => lost(new Error("Disconnected from Redis"));
  client.onclose = lost;
  return {
    get isReady() {
      return client.connected;
    },
    publish: (channel, message) => client.publish(channel, message),
    command: (name, ...args) => client.send(name, args),
    subscribe: (channel) => client.subscribe(channel, receive),
    unsubscribe: (channel) => client.unsubscribe(channel),
    close,
  };
}

/** Waits for a client to connect; closes it if that fails or the signal aborts. */
async function connected(
  connecting: Promise<unknown>,
  signal: AbortSignal,
  close: () => void,
): Promise<void> {
  try {
    await answered(connecting, signal);
  } catch (error) {
    try {
      close();
    } catch {
      // Some clients throw if they are already closed; the first error is the cause.
    }
    throw error;
  }
}
