// Redis by way of the package `ioredis`.

import type { IoRedisClient } from "./clients.ts";
import { connected, type LinkListener, type RedisLink } from "./link.ts";

const decoder = new TextDecoder();

/** Connects as a client of the package does. */
export async function dialIoRedis(
  original: IoRedisClient,
  listener: LinkListener,
  signal: AbortSignal,
): Promise<RedisLink> {
  const client = original.duplicate();
  let cause: unknown = new Error("The connection to Redis has ended");
  // An error that nobody listens to would be printed.
  client.on("error", (error) => void (cause = error));
  client.on("messageBuffer", (channel, message) => {
    listener.message(decoder.decode(channel as Uint8Array), message as Uint8Array);
  });
  const ready = new Promise<void>((resolve, reject) => {
    client.on("ready", () => resolve());
    // It tells of every loss so, then connects anew.
    client.on("close", () => {
      reject(cause);
      listener.lost(cause);
    });
    // Only a client that was made so waits to be told to connect.
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
