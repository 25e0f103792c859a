// A cluster node: a process with a server on a broker. The test tells it what to publish.

import { serve, type Server } from "../../mod.ts";
import type { Backplane, BackplaneHistory, BackplaneSink } from "../../src/backplane/backplane.ts";
import { obey } from "../faults/orders.ts";
import { clientKinds, type Made } from "../support/broker_clients.ts";
import type { BrokerName } from "../support/brokers.ts";
import type { RuntimeName } from "../support/runtimes.ts";
import { messageOf, topicOf } from "./cluster_messages.ts";

/** The configuration of a node. */
export interface ListenOrder {
  readonly type: "listen";
  readonly runtime: RuntimeName;
  readonly broker: BrokerName;
  readonly url: string;
  /** The port; 0 for any. */
  readonly port: number;
  /** The number of the node, and the number of its earlier starts. */
  readonly node: number;
  readonly life: number;
  /** Additional server options. */
  readonly options: Record<string, unknown>;
}

/** The messages that a node publishes. */
export interface PublishOrder {
  readonly type: "publish";
  readonly first: number;
  readonly count: number;
  /** Milliseconds between two messages. Default: no delay. */
  readonly gap?: number;
}

/** The commands for a node. */
export type NodeOrder = ListenOrder | PublishOrder | "settled" | "quit";

/** The Redis client on each runtime. */
const REDIS_CLIENTS: Record<RuntimeName, string> = {
  deno: "ioredis",
  bun: "Bun.RedisClient",
  node: "redis",
};

/** The node's reply to "listen". */
export interface Listening {
  readonly port: number;
}

/**
 * The node's reply to "settled": the error codes that `onError` has received since the last
 * request.
 */
export type ErrorCodes = readonly string[];

/** A backplane that reports when all of its subscriptions are confirmed. */
class Watched implements Backplane {
  readonly history: BackplaneHistory | undefined;
  readonly #inner: Backplane;
  #isUp = false;
  #pending = 0;
  #waiting: (() => void)[] = [];

  constructor(inner: Backplane) {
    this.#inner = inner;
    this.history = inner.history;
  }

  start(sink: BackplaneSink): unknown {
    return this.#inner.start({
      message: (topic, message, number, previous) => sink.message(topic, message, number, previous),
      up: () => {
        sink.up();
        this.#isUp = true;
        this.#check();
      },
      down: (error) => {
        this.#isUp = false;
        sink.down(error);
      },
    });
  }

  publish(topic: string, message: Uint8Array): unknown {
    return this.#inner.publish(topic, message);
  }

  async subscribe(topic: string): Promise<void> {
    this.#pending++;
    try {
      await this.#inner.subscribe(topic);
    } finally {
      this.#pending--;
      this.#check();
    }
  }

  unsubscribe(topic: string): unknown {
    return this.#inner.unsubscribe(topic);
  }

  close(): unknown {
    return this.#inner.close();
  }

  /** Waits until the backplane is up and all subscriptions are confirmed. */
  async settled(): Promise<void> {
    if (this.#isUp && this.#pending === 0) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #check(): void {
    if (!this.#isUp || this.#pending > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

let made: Made | undefined;
let backplane: Watched | undefined;
let server: Server | undefined;
let publisher = { node: 0, life: 0 };
const errorCodes: string[] = [];

async function listen(order: ListenOrder): Promise<Listening> {
  publisher = order;
  const name = order.broker === "redis" ? REDIS_CLIENTS[order.runtime] : order.broker;
  const kind = clientKinds(order.runtime).find((kind) => kind.name === name)!;
  made = await kind.make(order.url);
  backplane = new Watched(made.backplane);
  server = await serve({
    port: order.port,
    backlog: 4096,
    backplane,
    onError: (error) => errorCodes.push((error as { code?: string }).code ?? String(error)),
    clientTopics: { allow: () => true },
    open(conn) {
      for (const topic of new URL(conn.url).searchParams.getAll("topic")) conn.subscribe(topic);
    },
    ...order.options,
  });
  await backplane.settled();
  return { port: server.port };
}

async function publish(
  { first, count, gap = 0 }: PublishOrder,
): Promise<void> {
  for (let i = 0; i < count; i++) {
    if (gap > 0) await new Promise((resolve) => setTimeout(resolve, gap));
    const number = first + i;
    server!.publish(topicOf(number), messageOf({ ...publisher, number }));
  }
}

async function carryOut(order: NodeOrder): Promise<unknown> {
  if (order === "settled") {
    await backplane!.settled();
    return errorCodes.splice(0);
  }
  if (order === "quit") {
    await server!.shutdown({ timeout: 0 });
    await made!.end();
    return undefined;
  }
  return order.type === "listen" ? await listen(order) : await publish(order);
}

obey((order) => carryOut(order as NodeOrder));
