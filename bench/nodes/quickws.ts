// Our node, on whichever runtime it is started. On Bun the client of Redis is Bun's own.

import process from "node:process";
import { createClient } from "redis";
import { type Backplane, serve } from "../../mod.ts";
import { redisBackplane } from "../../src/redis.ts";
import type { RedisClient } from "../../src/redis.ts";
import { settings } from "./settings.ts";

declare const Bun: { RedisClient: new (url: string) => RedisClient } | undefined;

function redisClient(url: string): RedisClient {
  if (typeof Bun !== "undefined") return new Bun.RedisClient(url);
  return createClient({ url }) as unknown as RedisClient;
}

function backplane(): Backplane {
  return redisBackplane(redisClient(settings.url));
}

const server = await serve({
  port: 0,
  backplane: backplane(),
  open: (conn) => void conn.subscribe("all"),
  message: (_, data) => void server.publish("all", data),
});
process.stdout.write(`${server.port}\n`);
