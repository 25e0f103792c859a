/**
 * Topics across processes and machines by way of Redis: a backplane from the client that you have.
 *
 * @example
 * ```ts ignore
 * import { serve } from "@quickws/quickws";
 * import { redisBackplane } from "@quickws/quickws/redis";
 * import { createClient } from "redis"; // or ioredis, or Bun's RedisClient
 *
 * await serve({
 *   port: 8080,
 *   backplane: redisBackplane(createClient({ url: "redis://127.0.0.1:6379" })),
 *   open: (conn) => void conn.subscribe("news"),
 *   message: (conn, data) => void conn.publish("news", data),
 * });
 * ```
 *
 * @module
 */

import { dialBunRedis } from "./backplane/redis/bun_redis.ts";
import type {
  BunRedisClient,
  IoRedisClient,
  NodeRedisClient,
  RedisClient,
} from "./backplane/redis/clients.ts";
import { dialIoRedis } from "./backplane/redis/ioredis.ts";
import { dialNodeRedis } from "./backplane/redis/node_redis.ts";
import type { Dial } from "./backplane/redis/pair.ts";
import { RedisBackplane } from "./backplane/redis/redis_backplane.ts";
import type { Backplane } from "./pubsub/backplane.ts";

export type {
  Backplane,
  BackplaneHistory,
  BackplaneSink,
  HistoryPage,
  NumberedMessage,
  ResumeOptions,
} from "./pubsub/backplane.ts";
export type { BunRedisClient, IoRedisClient, NodeRedisClient, RedisClient };

/** How Redis is used. */
export interface RedisBackplaneOptions {
  /**
   * What stands before a topic in the name of its channel, and of the keys of its history: any text
   * without braces. Default: `"quickws:"`.
   */
  prefix?: string;
}

/**
 * Makes a backplane that carries messages by way of Redis, or what speaks its protocol, version 6.2 or
 * newer.
 *
 * Two connections of its own are made with the settings of the client, by its `duplicate`, and closed
 * with the server. The client itself is left alone: it need not be connected, is not closed, and has
 * no part in what is sent. While Redis is away, connecting is tried again and again, with pauses that
 * grow to two seconds.
 *
 * @param client A client of the package `redis` or `ioredis`, or a `RedisClient` of Bun.
 * @throws {TypeError} When the client is none of these, or the prefix no string.
 *
 * @example
 * ```ts ignore
 * import { Redis } from "ioredis";
 * import { serve } from "@quickws/quickws";
 * import { redisBackplane } from "@quickws/quickws/redis";
 *
 * const backplane = redisBackplane(new Redis("redis://127.0.0.1:6379"), { prefix: "shop:" });
 * await serve({ port: 8080, backplane });
 * ```
 */
export function redisBackplane(
  client: RedisClient,
  { prefix = "quickws:" }: RedisBackplaneOptions = {},
): Backplane {
  if (typeof prefix !== "string" || prefix.includes("{") || prefix.includes("}")) {
    throw new TypeError(`Option "prefix" must be a string without braces, not ${String(prefix)}`);
  }
  return new RedisBackplane(dialWith(client), prefix);
}

function dialWith(client: RedisClient): Dial {
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
