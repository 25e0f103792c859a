// Topics with a history on real brokers that are killed under load. Every client must receive each
// message once and in the same order.

import assert from "node:assert/strict";
import { connect, type Connection, serve, type Server, type WebSocketError } from "../../mod.ts";
import { lineEnd, readLine, TOPICS_SUBPROTOCOL, writeLine } from "../../src/pubsub/protocol.ts";
import { type ClientKind, clientKinds, type CreatedBackplane } from "../support/broker_clients.ts";
import {
  CuttingProxy,
  FaultyClient,
  type RequestFault,
  requestFaults,
} from "../support/broker_faults.ts";
import { Broker } from "../support/brokers.ts";
import { Queue } from "../support/live_harness.ts";
import type { Cases, Context } from "./harness.ts";

/** The number of messages that each server publishes in one batch. */
const BURST = 200;

/** A client with client-side subscriptions that uses one connection after another. */
class Listener {
  readonly texts = new Queue<string>();
  readonly notices = new Queue<string>();
  #last: number | undefined;
  #conn: Connection<undefined> | undefined;

  /** Connects or reconnects. */
  async listen(context: Context, { url }: Server): Promise<void> {
    const conn = await connect(url, {
      subprotocols: [TOPICS_SUBPROTOCOL],
      message: (_, message) => this.#take(message as string),
    });
    context.after(() => conn.terminate());
    this.#conn = conn;
    const after = this.#last;
    conn.send(
      writeLine(after === undefined ? { subscribe: "room" } : { subscribe: "room", after }),
    );
  }

  /** Disconnects. */
  async leave(): Promise<void> {
    this.#conn?.terminate();
    await this.#conn?.closed;
  }

  #take(message: string): void {
    const end = lineEnd(message);
    const line = readLine(message, end)!;
    if (typeof line.number === "number") this.#last = line.number;
    if (line.topic === "room") this.texts.push(message.slice(end));
    else this.notices.push(message.slice(0, end));
  }
}

/** The setup of a case. */
interface Setup {
  readonly broker: Broker;
  readonly servers: Server[];
  /** The codes of reported errors. */
  readonly errorCodes: Queue<string>;
  /** The texts that each server has published. */
  readonly published: string[][];
  /** Publishes texts on each server; the default is {@linkcode BURST}. */
  publish(count?: number): void;
}

/** Starts a broker with two servers that publish the same number of messages. */
async function startServers(context: Context, kind: ClientKind): Promise<Setup> {
  const broker = await Broker.start(kind.broker, { persistent: true });
  context.after(() => broker[Symbol.asyncDispose]());
  const errorCodes = new Queue<string>();
  const servers: Server[] = [];
  const published: string[][] = [[], []];
  for (let i = 0; i < 2; i++) {
    const made = await kind.make(broker.url);
    const server = await serve({
      backplane: made.backplane,
      history: { maxAge: 60_000, maxMessages: 10_000 },
      clientTopics: { allow: () => true },
      onError: (error) => errorCodes.push((error as WebSocketError).code),
    });
    context.after(async () => {
      await server.shutdown({ timeout: 0 });
      await made.end();
    });
    servers.push(server);
  }
  const publish = (count = BURST): void => {
    for (let n = 0; n < count; n++) {
      for (const [i, server] of servers.entries()) {
        published[i].push(`${i} ${published[i].length}`);
        server.publish("room", published[i].at(-1)!);
      }
    }
  };
  return { broker, servers, errorCodes, published, publish };
}

/** Asserts that all listeners received each text once in the same order, and no gap notice. */
function assertComplete(published: string[][], listeners: Listener[]): void {
  for (const { texts, notices } of listeners) {
    for (const [i, expected] of published.entries()) {
      assert.deepEqual(texts.all.filter((text) => text.startsWith(`${i} `)), expected);
    }
    assert.deepEqual(texts.all, listeners[0].texts.all, "all listeners receive the same order");
    assert.ok(notices.all.every((notice) => notice.startsWith('{"subscribed"')));
  }
}

async function resumeWithoutLoss(context: Context, kind: ClientKind): Promise<void> {
  const { broker, servers, errorCodes, published, publish } = await startServers(context, kind);
  const [stays, far, returns] = [new Listener(), new Listener(), new Listener()];
  await stays.listen(context, servers[0]);
  await far.listen(context, servers[1]);
  await returns.listen(context, servers[0]);
  for (const { notices } of [stays, far, returns]) await notices.atLeast(1);

  publish();
  await returns.texts.atLeast(BURST);
  await returns.leave();
  publish();
  await stays.texts.atLeast(2 * BURST + 1);
  await broker.kill();
  publish();
  await errorCodes.atLeast(2);
  publish();
  await broker.restart();
  publish();
  const total = 2 * published[0].length;
  for (const { texts } of [stays, far]) await texts.atLeast(total);
  await returns.listen(context, servers[1]);
  await returns.texts.atLeast(total);

  // A duplicate or misordered message would arrive before this one.
  servers[0].publish("room", "end");
  const listeners = [stays, far, returns];
  for (const { texts } of listeners) {
    assert.equal((await texts.atLeast(total + 1)).at(-1), "end");
  }
  assertComplete(published, listeners);
  assert.deepEqual(new Set(errorCodes.all), new Set(["BACKPLANE_DOWN"]));
}

/** How long the broker stalls, in milliseconds: longer than on a slow disk or busy machine. */
const STALL = 8000;

async function recoverFromStall(context: Context, kind: ClientKind): Promise<void> {
  const { broker, servers, errorCodes, published, publish } = await startServers(context, kind);
  const listeners = [new Listener(), new Listener()];
  for (const [i, listener] of listeners.entries()) {
    await listener.listen(context, servers[i]);
    await listener.notices.atLeast(1);
  }
  publish();
  broker.freeze(true);
  publish();
  await new Promise((resolve) => setTimeout(resolve, STALL));
  broker.freeze(false);
  publish();
  for (const { texts } of listeners) await texts.atLeast(2 * published[0].length);
  assertComplete(published, listeners);
  // No message is reported as lost.
  assert.ok(errorCodes.all.every((code) => code === "BACKPLANE_DOWN"), String(errorCodes.all));
}

/** Commands after which a Redis stores no messages, and the command that ends this. */
const REFUSALS: readonly (readonly [refuse: string, accept: string])[] = [
  ["CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"],
  ["REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"],
  ["CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0"],
];

async function recoverFromRefusal(context: Context, kind: ClientKind): Promise<void> {
  if (kind.broker !== "redis") return;
  const { broker, servers, errorCodes, published, publish } = await startServers(context, kind);
  const listeners = [new Listener(), new Listener()];
  for (const [i, listener] of listeners.entries()) {
    await listener.listen(context, servers[i]);
    await listener.notices.atLeast(1);
  }
  for (const [refuse, accept] of REFUSALS) {
    const count = errorCodes.all.length;
    await broker.command(refuse);
    // One message each: Redis could accept a later one while it is being told to accept messages again.
    publish(1);
    await errorCodes.atLeast(count + 2);
    publish();
    await broker.command(accept);
    publish();
    for (const { texts } of listeners) await texts.atLeast(2 * published[0].length);
  }
  assertComplete(published, listeners);
  assert.equal(errorCodes.all.length, 2 * REFUSALS.length, "one report per outage and server");
  assert.ok(errorCodes.all.every((code) => code === "BACKPLANE_DOWN"), String(errorCodes.all));
}

let prefixes = 0;

/**
 * Publishes to a client that reconnects, while one request to the broker fails. Returns the number
 * of requests.
 */
async function recoverFromFault(
  context: Context,
  kind: ClientKind,
  url: string,
  fault: RequestFault,
  at: number,
): Promise<number> {
  const client = new FaultyClient(fault, at);
  await outlast(context, await kind.make(url, { prefix: `p${prefixes++}.` }, client.wrap));
  return client.count;
}

/** Milliseconds after which a case fails and says what is missing: less than the suite's limit. */
const TIMEOUT = 45_000;

async function outlast(context: Context, made: CreatedBackplane): Promise<void> {
  let fail: (reason: unknown) => void;
  const failure = new Promise<never>((_, reject) => (fail = reject));
  const codes: string[] = [];
  const server = await serve({
    backplane: made.backplane,
    history: { maxAge: 60_000, maxMessages: 100 },
    clientTopics: { allow: () => true },
    onError: (error) => {
      codes.push((error as WebSocketError).code);
      if (codes.at(-1) !== "BACKPLANE_DOWN") fail(error);
    },
  });
  const listeners = [new Listener(), new Listener()];
  const timer = setTimeout(() => {
    const received = listeners.map(({ notices, texts }) => [...notices.all, ...texts.all]);
    fail(new Error(`timeout: ${JSON.stringify({ received, codes })}`));
  }, TIMEOUT);
  context.after(async () => {
    clearTimeout(timer);
    await server.shutdown({ timeout: 0 });
    await made.end();
  });
  await Promise.race([publishToReturning(context, server, listeners), failure]);
  clearTimeout(timer);
}

/** Publishes to two listeners, of which the second reconnects. */
async function publishToReturning(
  context: Context,
  server: Server,
  listeners: Listener[],
): Promise<void> {
  const published: string[] = [];
  const publish = (count: number): void => {
    for (let i = 0; i < count; i++) server.publish("room", `0 ${published.push("") - 1}`);
  };
  for (const listener of listeners) {
    await listener.listen(context, server);
    await listener.notices.atLeast(1);
  }
  publish(3);
  await listeners[1].texts.atLeast(3);
  await listeners[1].leave();
  publish(2);
  await listeners[1].listen(context, server);
  await listeners[1].texts.atLeast(5);
  publish(1);
  for (const { texts } of listeners) await texts.atLeast(6);
  assertComplete([published.map((_, i) => `0 ${i}`)], listeners);
}

/** Injects each fault into each request. */
async function recoverFromFaults(context: Context, kind: ClientKind): Promise<void> {
  const broker = await Broker.start(kind.broker);
  context.after(() => broker[Symbol.asyncDispose]());
  const faults = requestFaults.filter((fault) => fault.broker === kind.broker);
  const count = await recoverFromFault(context, kind, broker.url, faults[0], Infinity);
  for (const fault of faults) {
    const all = Array.from({ length: count }, async (_, i) => {
      try {
        await recoverFromFault(context, kind, broker.url, fault, i + 1);
      } catch (error) {
        throw new Error(`${fault.name}, request ${i + 1} of ${count}: ${error}`);
      }
    });
    await Promise.all(all);
  }
}

/** The chunks that a client of NATS exchanges with the server before it is connected. */
const HANDSHAKE_CHUNKS = 3;

/** Cuts the connections at each chunk of data. */
async function outlastCuts(context: Context, kind: ClientKind): Promise<void> {
  const broker = await Broker.start(kind.broker);
  context.after(() => broker[Symbol.asyncDispose]());
  const cutAt = async (chunk: number): Promise<number> => {
    const proxy = await CuttingProxy.start(broker.port, chunk);
    context.after(() => proxy.close());
    const url = `${kind.broker}://127.0.0.1:${proxy.port}`;
    await outlast(context, await kind.make(url, { prefix: `p${prefixes++}.` }));
    return proxy.count;
  };
  const count = await cutAt(Infinity);
  // The first connection of NATS is the user's.
  const first = kind.broker === "nats" ? HANDSHAKE_CHUNKS + 1 : 1;
  await Promise.all(Array.from({ length: count - first + 1 }, (_, i) => cutAt(first + i)));
}

/** Runs a case with all clients concurrently. */
async function withAll(
  context: Context,
  run: (context: Context, kind: ClientKind) => Promise<void>,
): Promise<void> {
  await Promise.all(
    clientKinds(context.runtime).map(async (kind) => {
      try {
        await run(context, kind);
      } catch (error) {
        if (error instanceof Error) error.message = `with ${kind.name}: ${error.message}`;
        throw error;
      }
    }),
  );
}

export const cases: Cases = {
  "with a history, loses no messages when the broker is killed under load": (context) =>
    withAll(context, resumeWithoutLoss),

  "with a history, loses no messages when the broker stalls for seconds": (context) =>
    withAll(context, recoverFromStall),

  "with a history, loses no messages while Redis stores none": (context) =>
    withAll(context, recoverFromRefusal),

  "with a history, loses no messages when the connection is cut at any step": (context) =>
    withAll(context, outlastCuts),

  "with a history, loses no messages when any request to the broker fails": (context) =>
    withAll(context, recoverFromFaults),
};
