// A node with this library, on any runtime. On Bun it uses Bun's Redis client.

import process from "node:process";
import { type Backplane, serve } from "../../mod.ts";
import { natsBackplane } from "../../src/nats.ts";
import { redisBackplane, type RedisClient } from "../../src/redis.ts";
import { type NodeSettings, settings } from "./settings.ts";

declare const Bun: { RedisClient: new (url: string) => RedisClient } | undefined;

// Each process loads only the client that it uses, because loading takes longer than a short run.

async function redisClient(url: string): Promise<RedisClient> {
  if (typeof Bun !== "undefined") return new Bun.RedisClient(url);
  const { createClient } = await import("redis");
  return createClient({ url });
}

async function backplane({ broker, url }: NodeSettings): Promise<Backplane> {
  if (broker === "redis") return redisBackplane(await redisClient(url));
  const { connect } = await import("@nats-io/transport-node");
  return natsBackplane(await connect({ servers: url }));
}

const server = await serve({
  port: 0,
  backplane: await backplane(settings),
  ...(settings.history ? { history: { maxAge: 60_000, maxMessages: 1000 } } : {}),
  open: (conn) => void conn.subscribe("all"),
  message: (_, data) => void server.publish("all", data),
});
process.stdout.write(`${server.port}\n`);
