// Redis by way of the package `redis`.

import type { NodeRedisClient } from "./clients.ts";
import { connected, type LinkListener, type RedisLink } from "./link.ts";

const decoder = new TextDecoder();

/** Connects as a client of the package does. */
export async function dialNodeRedis(
  original: NodeRedisClient,
  listener: LinkListener,
  signal: AbortSignal,
): Promise<RedisLink> {
  const client = original.duplicate();
  // A client tells of every loss by an error, then connects anew. An error that nobody listens to
  // would end the process.
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
