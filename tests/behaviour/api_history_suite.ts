// Topics with a history over real sockets: the same order on all servers, and no loss in outages.

import assert from "node:assert/strict";
import type { Connection, ServeOptions, Server, WebSocketError } from "../../mod.ts";
import { FakeBroker } from "../support/fake_broker.ts";
import { FakeHistory } from "../support/fake_history.ts";
import { TOPICS_SUBPROTOCOL } from "../../src/pubsub/protocol.ts";
import { type Live, liveCases, nextMessages, settled } from "../support/live_harness.ts";
import { type FrameParts, TEXT } from "../support/vectors.ts";
import type { Cases } from "./harness.ts";

const HISTORY = { maxAge: 60_000, maxMessages: 1000 };

const OFFER = [`Sec-WebSocket-Protocol: ${TOPICS_SUBPROTOCOL}`];

/** Creates the subscribe request of a client that reconnects. */
function resume(after: number): FrameParts {
  return { opcode: TEXT, payload: `{"subscribe":"room","after":${after}}\n` };
}

interface Fleet {
  readonly broker: FakeBroker;
  readonly history: FakeHistory;
  readonly servers: Server[];
  readonly clients: Connection<undefined>[];
  readonly errors: string[];
}

/** Starts servers on one broker, each with a client subscribed to "room". */
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
  "with a history, all servers deliver messages in the same order": async (t) => {
    const { servers, clients, errors } = await fleet(t, 3);
    for (let i = 0; i < 300; i++) {
      const { sent, waiting } = servers[i % 3].publish("room", `message ${i}`);
      assert.deepEqual([sent, waiting], [0, 1]);
    }
    const expected = Array.from({ length: 300 }, (_, i) => `message ${i}`);
    for (const client of clients) assert.deepEqual(await nextMessages(client, 300), expected);
    assert.deepEqual(errors, []);
  },

  "with a history, conn.publish excludes itself on every server": async (t) => {
    const { servers, clients } = await fleet(t, 2, {
      message: (conn, data) => void conn.publish("room", data),
    });
    clients[0].send("from 0");
    assert.deepEqual(await nextMessages(clients[1], 1), ["from 0"]);
    clients[1].send(Uint8Array.of(0xff));
    assert.deepEqual(await nextMessages(clients[0], 1), [Uint8Array.of(0xff)]);
    servers[0].publish("room", "end", { except: [...servers[0].clients()][0] });
    servers[0].publish("room", "very end");
    assert.deepEqual(await nextMessages(clients[0], 1), ["very end"]);
    assert.deepEqual(await nextMessages(clients[1], 2), ["end", "very end"]);
  },

  "with a history, a subscribed publisher gets its own message": async (t) => {
    const servers: Server[] = [];
    const { clients: [client] } = await fleet(t, 1, {
      open(conn) {
        conn.subscribe("own");
        conn.subscribe("room");
        conn.publish("room", "not to itself");
        servers[0].publish("own", "a member has joined");
      },
    }, servers);
    assert.deepEqual(await nextMessages(client, 1), ["a member has joined"]);
  },

  "with a history, no messages are lost in an outage, and missed ones are read": async (t) => {
    const { broker, history, servers, clients, errors } = await fleet(t, 2);
    history.loses = (_, number) => number % 3 === 0 && number < 20;
    let count = 0;
    const publish = (times: number): void => {
      for (let i = 0; i < times; i++) servers[0].publish("room", `message ${count++}`);
    };
    publish(10);
    assert.deepEqual((await nextMessages(clients[1], 9)).length, 9);
    broker.disconnect(new Error("away"));
    publish(10);
    broker.reconnect();
    publish(10);
    const expected = Array.from({ length: 30 }, (_, i) => `message ${i}`);
    assert.deepEqual(await nextMessages(clients[0], 30), expected);
    assert.deepEqual(await nextMessages(clients[1], 21), expected.slice(9));
    assert.deepEqual(errors, ["BACKPLANE_DOWN", "BACKPLANE_DOWN"]);
  },

  "with a history, messages published before close() are sent before the Close frame": async (
    t,
  ) => {
    const { servers: [server], clients, history } = await fleet(t, 1);
    // The broker confirms with a delay.
    history.append = (done) =>
      new Promise((resolve) =>
        setTimeout(() => {
          done();
          resolve(undefined);
        }, 50)
      );
    const [client] = clients;
    const texts: unknown[] = [];
    const read = (async () => {
      for await (const data of client) texts.push(data);
    })();
    assert.equal(server.publish("room", "important").waiting, 1);
    const [conn] = server.clients();
    conn.close(1000);
    assert.equal(server.publish("room", "too late").waiting, 0);
    await read;
    assert.deepEqual(texts, ["important"]);
    assert.equal((await client.closed).code, 1000);
    assert.equal((await conn.closed).clean, true);
  },

  "with a history, shutdown sends published messages to clients and to the broker": async (t) => {
    const { servers: [server], clients: [client], history, broker } = await fleet(t, 1);
    const texts: unknown[] = [];
    const read = (async () => {
      for await (const data of client) texts.push(data);
    })();
    for (let i = 0; i < 100; i++) server.publish("room", `message ${i}`);
    await server.shutdown();
    await read;
    assert.deepEqual(texts, Array.from({ length: 100 }, (_, i) => `message ${i}`));
    assert.equal(history.requests.filter(([method]) => method === "append").length, 100);
    assert.ok(broker.isUp);
  },

  "with a history, an outage does not prevent a close": async (t) => {
    const { servers: [server], clients: [client], broker } = await fleet(t, 1);
    broker.disconnect(new Error("away"));
    server.publish("room", "queued");
    const [conn] = server.clients();
    conn.close(4000, "done");
    assert.equal((await client.closed).code, 4000);
    assert.equal((await conn.closed).clean, true);
  },

  "a client that requests replays repeatedly without reading uses little memory": async (t) => {
    const { servers: [server], history } = await fleet(t, 1, {
      clientTopics: { allow: () => true },
      history: { maxAge: 60_000, maxMessages: 2000 },
    });
    for (let i = 0; i < 2000; i++) server.publish("room", "x".repeat(10_000));
    await settled(() => history.requests.length);
    const peer = await t.rawClient(server);
    assert.equal((await peer.upgrade(OFFER)).status, 101);
    peer.pause();
    for (let i = 0; i < 50; i++) peer.send(resume(0));
    const conn = [...server.clients()].at(-1)!;
    await settled(() => conn.bufferedAmount);
    assert.ok(conn.bufferedAmount < 4 << 20, `${conn.bufferedAmount} bytes`);
    const honest = await t.rawClient(server);
    await honest.upgrade(OFFER);
    honest.send(resume(1999));
    // The server's own subscription, the client's subscription, and the missed messages.
    const frames = await honest.frames(3);
    const lines = frames.map(({ payload }) => new TextDecoder().decode(payload).split("\n")[0]);
    assert.deepEqual(
      lines,
      [
        '{"subscribed":"room","number":2000}',
        '{"subscribed":"room","number":1999}',
        '{"topic":"room","number":2000}',
      ].slice(frames.length - 3),
    );
    assert.equal(conn.readyState, "open");
  },
});
