// Redis by way of Bun's own client.

import type { BunRedisClient } from "./clients.ts";
import { connected, type LinkListener, type RedisLink } from "./link.ts";

/** Milliseconds between two looks at a connection: the client does not tell when it loses one. */
const LOOK_INTERVAL = 100;

/** Connects as a client of Bun does. */
export async function dialBunRedis(
  original: BunRedisClient,
  listener: LinkListener,
  signal: AbortSignal,
): Promise<RedisLink> {
  const client = await original.duplicate();
  let timer: ReturnType<typeof setInterval> | undefined = undefined;
  const close = (): void => {
    clearInterval(timer);
    client.onconnect = client.onclose = null;
    client.close();
  };
  // The client has a turn of its own for each message: what came together is handed on in one, in
  // which it leaves in one write for each connection.
  const arrived: [channel: string, message: string][] = [];
  const handOn = (): void => {
    for (const [channel, message] of arrived.splice(0)) listener.message(channel, message);
  };
  const received = (message: string, channel: string): void => {
    if (arrived.push([channel, message]) === 1) setImmediate(handOn);
  };
  const lost = (error: unknown): void => {
    clearInterval(timer);
    handOn();
    listener.lost(error);
  };
  const look = (): void => {
    if (!client.connected) lost(new Error("The connection to Redis is lost"));
  };
  await connected(client.connect(), signal, close);
  timer = setInterval(look, LOOK_INTERVAL);
  // When it has connected anew, between two looks, it has forgotten its subscriptions.
  client.onconnect = () => lost(new Error("The connection to Redis was lost"));
  client.onclose = lost;
  return {
    get isReady() {
      return client.connected;
    },
    publish: (channel, message) => client.publish(channel, message),
    command: (name, ...args) => client.send(name, args),
    subscribe: (channel) => client.subscribe(channel, received),
    unsubscribe: (channel) => client.unsubscribe(channel),
    close,
  };
}
