// A node with this library, on any runtime. On Bun it uses Bun's Redis client.

import process from "node:process";
import { connect } from "@nats-io/transport-node";
import { createClient } from "redis";
import { type Backplane, serve } from "../../mod.ts";
import { natsBackplane } from "../../src/nats.ts";
import { redisBackplane, type RedisClient } from "../../src/redis.ts";
import { type NodeSettings, settings } from "./settings.ts";

declare const Bun: { RedisClient: new (url: string) => RedisClient } | undefined;

function redisClient(url: string): RedisClient {
  if (typeof Bun !== "undefined") return new Bun.RedisClient(url);
  return createClient({ url });
}

async function backplane({ broker, url }: NodeSettings): Promise<Backplane> {
  return broker === "redis"
    ? redisBackplane(redisClient(url))
    : natsBackplane(await connect({ servers: url }));
}

const server = await serve({
  port: 0,
  backplane: await backplane(settings),
  ...(settings.history ? { history: { maxAge: 60_000, maxMessages: 1000 } } : {}),
  open: (conn) => void conn.subscribe("all"),
  message: (_, data) => void server.publish("all", data),
});
process.stdout.write(`${server.port}\n`);
