// A cluster node: a process with a server on a broker. The test tells it what to publish. After
// `"stop"`, the process can start a server of the next cluster.

import { serve, type Server } from "../../mod.ts";
import type { Backplane, BackplaneHistory, BackplaneSink } from "../../src/backplane/backplane.ts";
import { executeCommands } from "../faults/commands.ts";
import { clientKinds, type CreatedBackplane } from "../support/broker_clients.ts";
import type { BrokerName } from "../support/brokers.ts";
import type { RuntimeName } from "../support/runtimes.ts";
import { messageOf, topicOf } from "./cluster_messages.ts";

/** The configuration of a node. */
export interface ListenCommand {
  readonly type: "listen";
  readonly runtime: RuntimeName;
  readonly broker: BrokerName;
  readonly url: string;
  /** The port; 0 for any. */
  readonly port: number;
  /** The number of the node, and the number of its earlier starts. */
  readonly node: number;
  readonly restarts: number;
  /** Additional server options. */
  readonly options: Record<string, unknown>;
}

/** The messages that a node publishes. */
export interface PublishCommand {
  readonly type: "publish";
  readonly first: number;
  readonly count: number;
  /** Milliseconds between two messages. Default: no delay. */
  readonly gap?: number;
}

/** The commands for a node. */
export type NodeCommand = ListenCommand | PublishCommand | "settled" | "stop" | "quit";

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
class TrackedBackplane implements Backplane {
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

let made: CreatedBackplane | undefined;
let backplane: TrackedBackplane | undefined;
let server: Server | undefined;
let publisher = { node: 0, restarts: 0 };
const errorCodes: string[] = [];

async function listen(command: ListenCommand): Promise<Listening> {
  publisher = command;
  const name = command.broker === "redis" ? REDIS_CLIENTS[command.runtime] : command.broker;
  const kind = clientKinds(command.runtime).find((kind) => kind.name === name)!;
  made = await kind.make(command.url);
  backplane = new TrackedBackplane(made.backplane);
  server = await serve({
    port: command.port,
    backlog: 4096,
    backplane,
    onError: (error) => errorCodes.push((error as { code?: string }).code ?? String(error)),
    clientTopics: { allow: () => true },
    open(conn) {
      for (const topic of new URL(conn.url).searchParams.getAll("topic")) conn.subscribe(topic);
    },
    ...command.options,
  });
  await backplane.settled();
  return { port: server.port };
}

async function publish(
  { first, count, gap = 0 }: PublishCommand,
): Promise<void> {
  for (let i = 0; i < count; i++) {
    if (gap > 0) await new Promise((resolve) => setTimeout(resolve, gap));
    const number = first + i;
    server!.publish(topicOf(number), messageOf({ ...publisher, number }));
  }
}

async function execute(command: NodeCommand): Promise<unknown> {
  if (command === "settled") {
    await backplane!.settled();
    return errorCodes.splice(0);
  }
  if (command === "quit") return undefined;
  if (command === "stop") {
    await server!.shutdown({ timeout: 0 });
    return await made!.end();
  }
  return command.type === "listen" ? await listen(command) : await publish(command);
}

executeCommands((command) => execute(command as NodeCommand));
