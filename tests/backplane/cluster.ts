// Runs three nodes (one per runtime) with thousands of connections on one broker. Checks deliveries
// in normal operation, while the broker is down, and after a node is killed.

import assert from "node:assert/strict";
import { Worker } from "../faults/worker.ts";
import { Broker, type BrokerName } from "../support/brokers.ts";
import { runtimeNames } from "../support/runtimes.ts";
import { type ClusterConnection, connectOnce, connectReconnecting } from "./cluster_clients.ts";
import { type Batch, ClientLedger } from "./cluster_ledger.ts";
import { readMessage, TOPICS } from "./cluster_messages.ts";
import type { ErrorCodes, Listening, NodeCommand } from "./cluster_node.ts";

/** The parameters of a run. */
export interface ClusterPlan {
  readonly broker: BrokerName;
  /** The total number of connections. */
  readonly connections: number;
  /** The number of messages per node during each outage. */
  readonly load: number;
  /**
   * Whether the broker keeps a history, and clients reconnect and resume automatically. If so, the
   * only messages lost are those that a killed node had not yet published.
   */
  readonly resume: boolean;
}

/** The results. Every count is a number of deliveries (messages times receivers). */
export interface ClusterReport {
  readonly broker: BrokerName;
  readonly resume: boolean;
  readonly delivered: number;
  readonly seconds: number;
  /** Expected deliveries that did not arrive. */
  readonly lost: {
    /** While the broker was down, from the client's own node and from other nodes. */
    readonly brokerLocal: number;
    readonly brokerRemote: number;
    /** While a node was down, between the other nodes and from the killed node to them. */
    readonly nodeBetweenOthers: number;
    readonly nodeFromKilled: number;
    /** To the clients of the killed node. */
    readonly nodeOwnClients: number;
  };
  /** Expected deliveries during the outages. */
  readonly expectedBroker: number;
  readonly expectedNode: number;
}

/** The number of connections to open concurrently. */
const AT_ONCE = 100;

/** The number of messages per node that must arrive before a process is killed. */
const MESSAGES_BEFORE = 2 * TOPICS;

/** The duration of an outage of the broker or a node, in milliseconds. */
const OUTAGE = 150;

/** Milliseconds between two messages of a node during an outage. */
const GAP = 10;

/** The maximum time to wait for expected messages, in milliseconds. */
const LIMIT = 240_000;

/** The history limits of each topic, if the plan has a history. */
const HISTORY = { maxAge: 60_000, maxMessages: 1000 };

const FIRST_BATCH: Batch = { first: 0, count: 5 * TOPICS };

/** The node to kill. */
const KILLED = 2;

/** The processes of the nodes. Several clusters can use them, one after another. */
export class NodeProcesses implements AsyncDisposable {
  readonly #workers: (Worker | undefined)[] = runtimeNames.map(() => undefined);

  /** Returns the process of a node, and starts it if it is not running. */
  running(node: number): Worker {
    return this.#workers[node] ??= new Worker(runtimeNames[node], "../backplane/cluster_node");
  }

  /** Kills the process of a node. */
  async kill(node: number): Promise<void> {
    await this.#workers[node]?.[Symbol.asyncDispose]();
    this.#workers[node] = undefined;
  }

  /** Asks all processes to quit, and waits until they exit. */
  async end(): Promise<void> {
    for (const worker of this.#workers) {
      await worker?.ask("quit");
      await worker?.ended();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.#workers.keys()) await this.kill(node);
  }
}

class Cluster implements AsyncDisposable {
  readonly #plan: ClusterPlan;
  readonly #broker: Broker;
  readonly #processes: NodeProcesses;
  readonly #ports: number[] = [0, 0, 0];
  readonly #restarts: number[] = [0, 0, 0];
  readonly #faults: string[] = [];
  readonly clients: ClientLedger[] = [];
  readonly #connections: ClusterConnection[] = [];
  delivered = 0;
  #hasEnded = false;
  #wake = (): void => {};

  constructor(plan: ClusterPlan, broker: Broker, processes: NodeProcesses) {
    this.#plan = plan;
    this.#broker = broker;
    this.#processes = processes;
    for (let i = 0; i < plan.connections; i++) {
      const topics = [i % TOPICS, (i * 7 + 3) % TOPICS];
      this.clients.push(
        new ClientLedger(i % runtimeNames.length, runtimeNames.length, topics, this.#faults),
      );
    }
  }

  /** Starts a node. A restarted node uses its previous port. */
  async start(node: number): Promise<void> {
    const command: NodeCommand = {
      type: "listen",
      runtime: runtimeNames[node],
      broker: this.#plan.broker,
      url: this.#broker.url,
      port: this.#ports[node],
      node,
      restarts: this.#restarts[node],
      options: this.#plan.resume ? { history: HISTORY } : {},
    };
    this.#ports[node] = (await this.#processes.running(node).ask<Listening>(command)).port;
  }

  /** Connects clients. */
  async join(clients: readonly ClientLedger[]): Promise<void> {
    for (let i = 0; i < clients.length; i += AT_ONCE) {
      await Promise.all(
        clients.slice(i, i + AT_ONCE).map(async (client) => {
          const index = this.clients.indexOf(client);
          const port = this.#ports[client.node];
          this.#connections[index] = await this.#join(client, port);
        }),
      );
    }
    await this.settle();
  }

  #join(client: ClientLedger, port: number): Promise<ClusterConnection> {
    const onMessage = (data: string | Uint8Array): void => {
      client.record(readMessage(data));
      this.delivered++;
      this.#wake();
    };
    if (!this.#plan.resume) return connectOnce(client.topics, port, onMessage);
    return connectReconnecting(client.topics, port, onMessage, () => this.#faults.push("missed"));
  }

  /** Waits until all nodes are connected and subscribed, and returns their `onError` codes. */
  async settle(): Promise<ErrorCodes[]> {
    return await Promise.all(this.#askAll<ErrorCodes>("settled"));
  }

  /** Makes all nodes publish. */
  publish({ first, count }: Batch, gap?: number): Promise<void>[] {
    return this.#askAll<void>({ type: "publish", first, count, gap });
  }

  #askAll<T>(command: NodeCommand): Promise<T>[] {
    return runtimeNames.map((_, node) => this.#processes.running(node).ask<T>(command));
  }

  /** Waits until all clients have received a batch from all nodes. */
  async waitForBatch(batch: Batch): Promise<void> {
    await this.waitForBatchFrom([...this.#restarts.keys()], batch);
  }

  /** Waits until all clients have received a batch from these nodes. */
  async waitForBatchFrom(nodes: readonly number[], batch: Batch): Promise<void> {
    const deadline = Date.now() + LIMIT;
    let behind = [...this.clients];
    for (;;) {
      behind = behind.filter((client) =>
        nodes.some((node) => client.missing(node, this.#restarts[node], batch).length > 0)
      );
      if (behind.length === 0) break;
      const left = deadline - Date.now();
      if (left <= 0) {
        throw new Error(`${behind.length} clients have not received ${JSON.stringify(batch)}`);
      }
      await this.#next(left);
    }
    assert.deepEqual(this.#faults.slice(0, 5), [], "each message arrives once and in order");
  }

  /** Waits for the next message, then briefly for more. */
  async #next(limit: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, limit);
    });
    clearTimeout(timer);
    // The caller checks all clients, which is too slow after every message.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** For each client of the node `at`, returns the batch's messages it has not received from `from`. */
  missing(from: number, restarts: number, at: number, batch: Batch): number[][] {
    return this.clients.filter(({ node }) => node === at)
      .map((client) => client.missing(from, restarts, batch));
  }

  /** Kills the broker and restarts it. */
  async killBroker(): Promise<void> {
    await this.#broker.kill();
    await new Promise((resolve) => setTimeout(resolve, OUTAGE));
    await this.#broker.restart();
  }

  /** Kills a node and restarts it. */
  async killNode(node: number): Promise<void> {
    await this.#processes.kill(node);
    await new Promise((resolve) => setTimeout(resolve, OUTAGE));
    this.#restarts[node]++;
    await this.start(node);
    if (!this.#plan.resume) await this.join(this.clients.filter((client) => client.node === node));
  }

  /** Stops all servers. */
  async end(): Promise<void> {
    await Promise.all(this.#askAll("stop"));
    this.#hasEnded = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection?.terminate();
    // After a failure, the next cluster needs new processes.
    if (!this.#hasEnded) await this.#processes[Symbol.asyncDispose]();
  }
}

/** Runs the plan. Throws if a delivery guarantee is violated. */
export async function runCluster(
  plan: ClusterPlan,
  processes: NodeProcesses,
): Promise<ClusterReport> {
  const began = performance.now();
  await using broker = await Broker.start(plan.broker, { persistent: plan.resume });
  await using cluster = new Cluster(plan, broker, processes);
  const nodes = runtimeNames.map((_, node) => node);
  await Promise.all(nodes.map((node) => cluster.start(node)));
  await cluster.join(cluster.clients);

  await Promise.all(cluster.publish(FIRST_BATCH));
  await cluster.waitForBatch(FIRST_BATCH);
  assert.deepEqual((await cluster.settle()).flat(), [], "no node reports an error");

  // Kill the broker while all nodes publish. Messages published after its restart must reach every
  // client.
  const before: Batch = { first: FIRST_BATCH.first + FIRST_BATCH.count, count: MESSAGES_BEFORE };
  const outageBatch: Batch = { first: before.first + before.count, count: plan.load };
  const after: Batch = { first: outageBatch.first + outageBatch.count, count: 2 * TOPICS };
  await Promise.all(cluster.publish(before));
  await cluster.waitForBatch(before);
  const underLoad = cluster.publish(outageBatch, GAP);
  await cluster.waitForBatch({ first: outageBatch.first, count: 1 });
  await cluster.killBroker();
  await Promise.all(underLoad);
  const codes = new Set((await cluster.settle()).flat());
  assert.ok(codes.has("BACKPLANE_DOWN"), "the outage is reported");
  codes.delete("BACKPLANE_DOWN");
  // Nodes may report messages in transit when the broker was killed.
  codes.delete("BACKPLANE_FAILED");
  assert.deepEqual([...codes], []);
  await Promise.all(cluster.publish(after));
  await cluster.waitForBatch(after);
  if (plan.resume) await cluster.waitForBatch(outageBatch);
  const count = (from: number, at: number, batch: Batch): number =>
    cluster.missing(from, 0, at, batch).flat().length;
  const sum = (counts: number[]): number => counts.reduce((total, count) => total + count, 0);
  const brokerLocal = sum(nodes.map((node) => count(node, node, outageBatch)));
  const brokerRemote = sum(
    nodes.flatMap((from) => nodes.map((at) => from === at ? 0 : count(from, at, outageBatch))),
  );
  assert.equal(brokerLocal, 0, "local delivery never waits for the broker");

  // Kill a node while all nodes publish.
  const others = nodes.filter((node) => node !== KILLED);
  const nodeOutageBatch: Batch = { first: after.first + after.count, count: plan.load };
  const end: Batch = { first: nodeOutageBatch.first + nodeOutageBatch.count, count: 2 * TOPICS };
  const stillUnderLoad = cluster.publish(nodeOutageBatch, GAP);
  // The killed node does not reply.
  stillUnderLoad[KILLED]!.catch(() => {});
  await cluster.waitForBatch({ first: nodeOutageBatch.first, count: 1 });
  await cluster.killNode(KILLED);
  await Promise.all(others.map((node) => stillUnderLoad[node]));
  await Promise.all(cluster.publish(end));
  await cluster.waitForBatch(end);
  if (plan.resume) await cluster.waitForBatchFrom(others, nodeOutageBatch);
  const nodeBetweenOthers = sum(
    others.flatMap((from) => others.map((at) => count(from, at, nodeOutageBatch))),
  );
  assert.equal(nodeBetweenOthers, 0, "killing a node does not affect the others");
  // From the killed node, each client received a prefix of the published messages.
  for (const at of others) {
    for (const missing of cluster.missing(KILLED, 0, at, nodeOutageBatch)) {
      for (const [i, number] of missing.entries()) {
        const next = missing.slice(i + 1).find((other) => other % TOPICS === number % TOPICS);
        if (next !== undefined) assert.equal(next, number + TOPICS, "no gap");
      }
    }
  }
  await cluster.end();

  const receivers = plan.connections * 2 / TOPICS;
  return {
    broker: plan.broker,
    resume: plan.resume,
    delivered: cluster.delivered,
    seconds: Math.round(performance.now() - began) / 1000,
    lost: {
      brokerLocal,
      brokerRemote,
      nodeBetweenOthers,
      nodeFromKilled: sum(others.map((at) => count(KILLED, at, nodeOutageBatch))),
      nodeOwnClients: sum(others.map((from) => count(from, KILLED, nodeOutageBatch))),
    },
    expectedBroker: nodes.length * outageBatch.count * receivers,
    expectedNode: nodes.length * nodeOutageBatch.count * receivers,
  };
}
