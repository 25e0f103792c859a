// The broker clients that the backplanes support, grouped by the runtimes that test them. A process
// loads a client when it uses it, because loading all of them takes longer than many tests.

import type { Redis } from "ioredis";
import type { createClient } from "redis";
import { natsBackplane, type NatsBackplaneOptions } from "../../src/nats.ts";
import type { Backplane } from "../../src/backplane/backplane.ts";
import {
  type BunRedisClient,
  redisBackplane,
  type RedisBackplaneOptions,
} from "../../src/redis.ts";
import type { BrokerName } from "./brokers.ts";
import type { RuntimeName } from "./runtimes.ts";

/** A user's client, and a backplane that uses it. */
export interface CreatedBackplane {
  readonly backplane: Backplane;
  /** Sends a request to the broker with the user's own client. */
  ping(): Promise<unknown>;
  /** Ends the user's client. */
  end(): Promise<void>;
  /** Publishes raw bytes on a topic's channel, as another program could. */
  sendRaw(topic: string, bytes: Uint8Array): Promise<unknown>;
}

/** Creates a backplane from a client of this kind. */
export interface ClientKind {
  readonly name: string;
  readonly broker: BrokerName;
  make(url: string, options?: NatsBackplaneOptions, wrap?: WrapClient): Promise<CreatedBackplane>;
}

/** Replaces the client of a backplane. */
export type WrapClient = <C extends object>(client: C) => C;

const same: WrapClient = (client) => client;

/** The clients that only Bun has. */
interface BunModule {
  RedisClient: new (url: string) => BunRedisClient;
}

/** Picks the options that Redis supports. */
function prefixOf({ prefix }: NatsBackplaneOptions = {}): RedisBackplaneOptions {
  return prefix === undefined ? {} : { prefix };
}

/** The channel of a topic with the default prefix. */
function channelOf(topic: string): string {
  return `quickws:{${topic}}`;
}

/** Never connects. `createClient` defines a class with all commands for each URL, which is slow. */
let nodeRedisTemplate: ReturnType<typeof createClient> | undefined;

const nodeRedis: ClientKind = {
  name: "redis",
  broker: "redis",
  async make(url, options, wrap = same) {
    nodeRedisTemplate ??= (await import("redis")).createClient();
    const client = nodeRedisTemplate.duplicate({ url });
    client.on("error", () => {});
    const open = async (): Promise<void> => void (client.isOpen || await client.connect());
    return {
      backplane: redisBackplane(wrap(client), prefixOf(options)),
      ping: async () => (await open(), await client.ping()),
      sendRaw: async (topic, bytes) => {
        await open();
        await client.publish(channelOf(topic), Buffer.from(bytes));
      },
      end: () => Promise.resolve(client.destroy()),
    };
  },
};

/** Creates a client that connects when it is used. */
async function createIoRedis(url: string): Promise<Redis> {
  const { Redis } = await import("ioredis");
  const client = new Redis(url, { lazyConnect: true });
  client.on("error", () => {});
  return client;
}

const ioRedis: ClientKind = {
  name: "ioredis",
  broker: "redis",
  async make(url, options, wrap = same) {
    const client = await createIoRedis(url);
    return {
      backplane: redisBackplane(wrap(client), prefixOf(options)),
      ping: () => client.ping(),
      sendRaw: (topic, bytes) => client.publish(channelOf(topic), Buffer.from(bytes)),
      end: () => Promise.resolve(client.disconnect()),
    };
  },
};

const bunRedis: ClientKind = {
  name: "Bun.RedisClient",
  broker: "redis",
  async make(url, options, wrap = same) {
    const { RedisClient } = (globalThis as unknown as { Bun: BunModule }).Bun;
    const client = new RedisClient(url);
    // Bun's client can publish only text.
    let stranger: Redis | undefined;
    return await Promise.resolve({
      backplane: redisBackplane(wrap(client), prefixOf(options)),
      ping: () => client.send("PING", []),
      sendRaw: async (topic: string, bytes: Uint8Array) => {
        stranger ??= await createIoRedis(url);
        await stranger.publish(channelOf(topic), Buffer.from(bytes));
      },
      end: () => {
        client.close();
        return Promise.resolve(stranger?.disconnect());
      },
    });
  },
};

const nats: ClientKind = {
  name: "nats",
  broker: "nats",
  async make(url, options, wrap = same) {
    const { connect } = await import("@nats-io/transport-node");
    const connection = await connect({
      servers: url.replace("nats://", ""),
      maxReconnectAttempts: -1,
      // By default the client waits 20 seconds if a server ends during the handshake.
      timeout: 5000,
      reconnectTimeWait: 50,
      reconnectJitter: 10,
      // Otherwise the client records the stack of each request.
      noAsyncTraces: true,
    });
    return {
      backplane: natsBackplane(wrap(connection), options),
      ping: () => connection.rtt(),
      sendRaw: (topic, bytes) =>
        Promise.resolve(connection.publish(`quickws.live.${topic}`, bytes)),
      end: () => connection.close(),
    };
  },
};

/** The kinds that are tested on a runtime. */
export function clientKinds(runtime: RuntimeName): ClientKind[] {
  return runtime === "bun" ? [bunRedis, nats] : [nodeRedis, ioRedis, nats];
}

/** The kinds that can share one Redis on a runtime. */
export function redisKinds(runtime: RuntimeName): ClientKind[] {
  return runtime === "bun" ? [bunRedis, nodeRedis, ioRedis] : [nodeRedis, ioRedis];
}
