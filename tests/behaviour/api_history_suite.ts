// Topics with a history over real sockets: one order for all servers, and outages in which nothing is
// lost.

import assert from "node:assert/strict";
import type { Connection, ServeOptions, Server, WebSocketError } from "../../mod.ts";
import { FakeBroker } from "../support/fake_broker.ts";
import { FakeHistory } from "../support/fake_history.ts";
import { type Live, liveCases } from "../support/live_harness.ts";
import type { Cases } from "./harness.ts";

const HISTORY = { maxAge: 60_000, maxMessages: 1000 };

/** The texts of the next messages. */
async function next(conn: Connection<undefined>, count: number): Promise<unknown[]> {
  const texts: unknown[] = [];
  let messages = readers.get(conn);
  if (messages === undefined) readers.set(conn, messages = conn[Symbol.asyncIterator]());
  while (texts.length < count) texts.push((await messages.next()).value);
  return texts;
}

/** A connection has one reader. */
const readers: WeakMap<object, AsyncIterator<unknown>> = new WeakMap();

interface Fleet {
  readonly broker: FakeBroker;
  readonly history: FakeHistory;
  readonly servers: Server[];
  readonly clients: Connection<undefined>[];
  readonly errors: string[];
}

/** So many servers on one broker, each with a client that listens to "room". */
async function fleet(
  t: Live,
  count: number,
  options: ServeOptions = {},
  servers: Server[] = [],
): Promise<Fleet> {
  const history = new FakeHistory();
  const broker = new FakeBroker(true, history);
  const clients: Connection<undefined>[] = [];
  const errors: string[] = [];
  for (let i = 0; i < count; i++) {
    const server = await t.serve({
      backplane: broker.backplane(),
      history: HISTORY,
      onError: (error) => void errors.push((error as WebSocketError).code),
      open: (conn) => void conn.subscribe("room"),
      ...options,
    });
    servers.push(server);
    clients.push(await t.connect(server.url));
  }
  return { broker, history, servers, clients, errors };
}

export const cases: Cases = liveCases({
  "with a history all receivers of all servers get one order": async (t) => {
    const { servers, clients, errors } = await fleet(t, 3);
    for (let i = 0; i < 300; i++) {
      const { sent, waiting } = servers[i % 3].publish("room", `message ${i}`);
      assert.deepEqual([sent, waiting], [0, 1]);
    }
    const expected = Array.from({ length: 300 }, (_, i) => `message ${i}`);
    for (const client of clients) assert.deepEqual(await next(client, 300), expected);
    assert.deepEqual(errors, []);
  },

  "with a history conn.publish goes to all but itself, on every server": async (t) => {
    const { servers, clients } = await fleet(t, 2, {
      message: (conn, data) => void conn.publish("room", data),
    });
    clients[0].send("from 0");
    assert.deepEqual(await next(clients[1], 1), ["from 0"]);
    clients[1].send(Uint8Array.of(0xff));
    assert.deepEqual(await next(clients[0], 1), [Uint8Array.of(0xff)]);
    servers[0].publish("room", "end", { except: [...servers[0].clients()][0] });
    servers[0].publish("room", "very end");
    assert.deepEqual(await next(clients[0], 1), ["very end"]);
    assert.deepEqual(await next(clients[1], 2), ["end", "very end"]);
  },

  "with a history a connection that subscribes and publishes gets its own message": async (t) => {
    const servers: Server[] = [];
    const { clients: [client] } = await fleet(t, 1, {
      open(conn) {
        conn.subscribe("own");
        conn.subscribe("room");
        conn.publish("room", "not to itself");
        servers[0].publish("own", "somebody has come");
      },
    }, servers);
    assert.deepEqual(await next(client, 1), ["somebody has come"]);
  },

  "with a history an outage loses nothing, and messages lost on the way are read": async (t) => {
    const { broker, history, servers, clients, errors } = await fleet(t, 2);
    history.loses = (_, number) => number % 3 === 0 && number < 20;
    let count = 0;
    const publish = (times: number): void => {
      for (let i = 0; i < times; i++) servers[0].publish("room", `message ${count++}`);
    };
    publish(10);
    assert.deepEqual((await next(clients[1], 9)).length, 9);
    broker.goAway(new Error("away"));
    publish(10);
    broker.comeBack();
    publish(10);
    const expected = Array.from({ length: 30 }, (_, i) => `message ${i}`);
    assert.deepEqual(await next(clients[0], 30), expected);
    assert.deepEqual(await next(clients[1], 21), expected.slice(9));
    assert.deepEqual(errors, ["BACKPLANE_DOWN", "BACKPLANE_DOWN"]);
  },
});
