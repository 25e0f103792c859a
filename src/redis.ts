/**
 * Topics across processes and machines over Redis: a backplane with the settings of your own
 * client.
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

import type { Backplane } from "./backplane/backplane.ts";
import {
  type BunRedisClient,
  dialWith,
  type IoRedisClient,
  type NodeRedisClient,
  type RedisClient,
} from "./backplane/redis/clients.ts";
import { RedisBackplane } from "./backplane/redis/redis_backplane.ts";

export type {
  Backplane,
  BackplaneHistory,
  BackplaneSink,
  HistoryLimits,
  HistoryPage,
  NumberedMessage,
  ReadLimit,
} from "./backplane/backplane.ts";
export type { BunRedisClient, IoRedisClient, NodeRedisClient, RedisClient };

/**
 * Options of {@linkcode redisBackplane}.
 *
 * @category Backplanes
 */
export interface RedisBackplaneOptions {
  /**
   * The prefix of all channels and keys in Redis: any well-formed string without braces. Backplanes with
   * different prefixes never exchange messages. Default: `"quickws:"`.
   */
  prefix?: string | undefined;
}

/**
 * Creates a backplane on Redis 6.2 or newer, or a compatible server.
 *
 * The backplane opens two connections with the client's `duplicate` and closes them with the
 * server. The client itself need not be connected and is not closed. While Redis is down, the
 * backplane reconnects with delays of up to two seconds.
 *
 * @param client A client of the package `redis` or `ioredis`, or a `RedisClient` of Bun.
 * @throws {TypeError} When the client is none of these, or an option is invalid.
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
 *
 * @category Backplanes
 */
export function redisBackplane(
  client: RedisClient,
  { prefix = "quickws:" }: RedisBackplaneOptions = {},
): Backplane {
  if (typeof prefix !== "string" || /[{}]/.test(prefix) || !prefix.isWellFormed()) {
    throw new TypeError(
      `Option "prefix" must be a well-formed string without braces, got ${String(prefix)}`,
    );
  }
  return new RedisBackplane(dialWith(client), prefix);
}
