// Topics over real sockets: delivery once and in order, cleanup, compression, and each onSlow
// policy with a peer that does not read.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import type { CloseInfo, Connection, PublishResult, Server, WebSocketError } from "../../mod.ts";
import { attach } from "../../src/node.ts";
import { inflated } from "../support/deflated.ts";
import { FakeBroker } from "../support/fake_broker.ts";
import { type Live, liveCases, nextMessages, Queue, settled } from "../support/live_harness.ts";
import type { RawSocket } from "../support/raw_socket.ts";
import { upgradeRequest } from "../support/raw_peer.ts";
import { TEXT, toHex } from "../support/vectors.ts";
import type { Cases } from "./harness.ts";

const MIB = 1 << 20;

/** More bytes than the kernel buffers for two loopback sockets. */
const CLOG = 32 * MIB;

/** Returns a result with 0 for all omitted fields. */
function result(counts: Partial<PublishResult>): PublishResult {
  return { sent: 0, waiting: 0, replaced: 0, dropped: 0, closed: 0, ...counts };
}

/** Starts a server whose connections subscribe to "room", and clients. */
async function room(t: Live, count: number): Promise<{
  server: Server;
  clients: Connection<undefined>[];
  conns: Connection<undefined>[];
}> {
  const server = await t.serve({ open: (conn) => void conn.subscribe("room") });
  const clients: Connection<undefined>[] = [];
  for (let i = 0; i < count; i++) clients.push(await t.connect(server.url));
  return { server, clients, conns: [...server.clients()] };
}

interface Stalled {
  readonly server: Server;
  /** The connection to the peer that does not read. */
  readonly conn: Connection<undefined>;
  /** The peer that does not read. */
  readonly slow: Connection<undefined>;
  /** A peer that reads. */
  readonly quick: Connection<undefined>;
  readonly ends: Queue<CloseInfo>;
}

/** Connects two subscribers of "room". One does not read and has a large backlog. */
async function stalled(t: Live): Promise<Stalled> {
  const ends = new Queue<CloseInfo>();
  const server = await t.serve({
    highWaterMark: 64 * 1024,
    open: (conn) => void conn.subscribe("room"),
    close: (_, info) => ends.push(info),
  });
  const slow = await t.connect(server.url, { maxMessageSize: CLOG });
  const [conn] = server.clients();
  const quick = await t.connect(server.url);
  slow.pause();
  assert.equal(conn.send(new Uint8Array(CLOG)), false);
  assert.ok(await settled(() => conn.bufferedAmount) > 64 * 1024, "the kernel buffers everything");
  return { server, conn, slow, quick, ends };
}

/** Resumes the slow peer, and returns the texts that it receives after the backlog. */
async function resumeSlow({ conn, slow }: Stalled): Promise<unknown[]> {
  slow.resume();
  assert.equal((await nextMessages(slow, 1) as Uint8Array[])[0].length, CLOG);
  await conn.drained();
  conn.send("end");
  const texts: unknown[] = [];
  for (;;) {
    const [value] = await nextMessages(slow, 1);
    if (value === "end") return texts;
    texts.push(value);
  }
}

export const cases: Cases = liveCases({
  "delivers a message to each subscriber once and in order": async (t) => {
    const { server, clients } = await room(t, 5);
    const expected = Array.from({ length: 500 }, (_, i) => `message ${i}`);
    for (const text of expected) assert.deepEqual(server.publish("room", text).sent, 5);
    server.publish("another room", "no subscriber");
    server.publish("room", "end");
    for (const client of clients) {
      assert.deepEqual(await nextMessages(client, 501), [...expected, "end"]);
    }
  },

  "delivers messages published in handlers in each publisher's order": async (t) => {
    const server = await t.serve({
      open: (conn) => void conn.subscribe("room"),
      message: (conn, data) => void conn.publish("room", data),
    });
    const clients = [];
    for (let i = 0; i < 3; i++) clients.push(await t.connect(server.url));
    for (let i = 0; i < 200; i++) {
      for (const [from, client] of clients.entries()) client.send(`${from} ${i}`);
    }
    for (const [to, client] of clients.entries()) {
      const texts = (await nextMessages(client, 400)) as string[];
      for (const from of [0, 1, 2]) {
        const numbers = texts.filter((text) => text.startsWith(`${from} `));
        const expected = Array.from({ length: 200 }, (_, i) => `${from} ${i}`);
        assert.deepEqual(numbers, from === to ? [] : expected, "its own messages are not returned");
      }
    }
  },

  "except excludes one connection, publish of a connection excludes itself": async (t) => {
    const { server, clients, conns } = await room(t, 3);
    assert.equal(server.publish("room", "a", { except: conns[0] }).sent, 2);
    assert.equal(conns[1].publish("room", "b").sent, 2);
    server.publish("room", "end");
    assert.deepEqual(await nextMessages(clients[0], 2), ["b", "end"]);
    assert.deepEqual(await nextMessages(clients[1], 2), ["a", "end"]);
    assert.deepEqual(await nextMessages(clients[2], 3), ["a", "b", "end"]);
  },

  "unsubscribe and any end of a connection remove subscriptions": async (t) => {
    const ends = new Queue<string[]>();
    const server: Server = await t.serve({
      open: (conn) => void (conn.subscribe("room"), conn.subscribe(`own ${server.connections}`)),
      close: (conn) => ends.push([...conn.topics, `${server.subscribers("room")}`]),
    });
    const clients = [];
    for (let i = 0; i < 4; i++) clients.push(await t.connect(server.url));
    const conns = [...server.clients()];
    const vanishing = await t.rawClient(server);
    await vanishing.upgrade();
    assert.equal(server.subscribers("room"), 5);

    assert.equal(conns[0].unsubscribe("room"), true);
    assert.equal(conns[0].unsubscribe("room"), false);
    assert.equal(server.subscribers("room"), 4);
    clients[1].close();
    assert.deepEqual(await ends.next(), ["room", "own 2", "3"]);
    conns[2].terminate();
    assert.equal(conns[2].subscribe("too late"), false);
    assert.deepEqual(await ends.next(), ["room", "own 3", "2"]);
    vanishing.destroy();
    assert.deepEqual(await ends.next(), ["room", "own 5", "1"]);
    await server.shutdown();
    assert.deepEqual(
      ["room", "own 1", "own 4", "too late"].map((topic) => server.subscribers(topic)),
      [
        0,
        0,
        0,
        0,
      ],
    );
    assert.deepEqual(conns.map((conn) => [conn.topics, conn.subscribe("room")]), [
      [[], false],
      [[], false],
      [[], false],
      [[], false],
    ]);
  },

  "compresses once for connections with the same parameters": async (t) => {
    const server = await t.serve({
      compression: { threshold: 0 },
      open: (conn) => void conn.subscribe("room"),
    });
    const offers = [
      "permessage-deflate",
      "permessage-deflate",
      "permessage-deflate; server_max_window_bits=9",
      undefined,
    ];
    const peers: RawSocket[] = [];
    for (const offer of offers) {
      const peer = await t.rawClient(server);
      peer.send(upgradeRequest(offer ? [`Sec-WebSocket-Extensions: ${offer}`] : []));
      assert.equal((await peer.answer()).status, 101);
      peers.push(peer);
    }
    const text = "All work and no play makes Jack a dull boy. ".repeat(50);
    assert.equal(server.publish("room", text).sent, 4);
    const frames = [];
    for (const peer of peers) frames.push((await peer.frame())!);
    for (const frame of frames.slice(0, 3)) {
      assert.ok(frame.payload.length < text.length / 4);
      assert.equal(inflated(frame), text);
    }
    assert.equal(toHex(frames[0].payload), toHex(frames[1].payload));
    assert.equal(new TextDecoder().decode(frames[3].payload), text);
  },

  "connections of attach have topics, connections of connect reject them": async (t) => {
    const http = createServer();
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    const sockets = attach(http, { open: (conn) => void conn.subscribe("room") });
    t.context.after(async () => {
      await sockets.shutdown({ timeout: 0 });
      http.close();
      http.closeAllConnections();
    });
    const { port } = http.address() as AddressInfo;
    const client = await t.connect(`ws://127.0.0.1:${port}/`);
    assert.equal(sockets.subscribers("room"), 1);
    assert.deepEqual(sockets.publish("room", "hello"), result({ sent: 1 }));
    assert.deepEqual(await nextMessages(client, 1), ["hello"]);
    assert.throws(() => client.subscribe("room"), { name: "TypeError", message: /from connect$/ });
    assert.throws(() => client.publish("room", ""), {
      name: "TypeError",
      message: /from connect$/,
    });
  },

  'onSlow "queue": a stalled peer receives all messages later, others immediately': async (t) => {
    const it = await stalled(t);
    for (const text of ["1", "2"]) {
      assert.deepEqual(it.server.publish("room", text), result({ sent: 2 }));
    }
    assert.deepEqual(await nextMessages(it.quick, 2), ["1", "2"]);
    assert.deepEqual(await resumeSlow(it), ["1", "2"]);
  },

  'onSlow "drop": a stalled peer misses messages published meanwhile': async (t) => {
    const it = await stalled(t);
    const publish = (text: string): PublishResult =>
      it.server.publish("room", text, { onSlow: "drop" });
    assert.deepEqual(publish("1"), result({ sent: 1, dropped: 1 }));
    assert.deepEqual(publish("2"), result({ sent: 1, dropped: 1 }));
    assert.deepEqual(await nextMessages(it.quick, 2), ["1", "2"]);
    assert.deepEqual(await resumeSlow(it), []);
    assert.deepEqual(publish("3"), result({ sent: 2 }));
    assert.deepEqual(await nextMessages(it.slow, 1), ["3"]);
    assert.deepEqual(await nextMessages(it.quick, 1), ["3"]);
  },

  'onSlow "conflate": a stalled peer later receives the newest message of each key': async (t) => {
    const it = await stalled(t);
    const publish = (key: string, text: string): PublishResult =>
      it.server.publish("room", text, { onSlow: "conflate", key });
    assert.deepEqual(publish("a", "a 0"), result({ sent: 1, waiting: 1 }));
    assert.deepEqual(publish("b", "b 0"), result({ sent: 1, waiting: 1 }));
    const waiting = it.conn.bufferedAmount;
    for (let i = 1; i <= 1000; i++) {
      assert.deepEqual(publish("a", `a ${i}`), result({ sent: 1, waiting: 1, replaced: 1 }));
    }
    assert.equal(it.conn.bufferedAmount, waiting, "replaced messages are not buffered");
    assert.equal((await nextMessages(it.quick, 1002)).at(-1), "a 1000");
    assert.deepEqual(await resumeSlow(it), ["a 1000", "b 0"]);
    assert.deepEqual(publish("a", "a last"), result({ sent: 2 }));
    assert.deepEqual(await nextMessages(it.slow, 1), ["a last"]);
  },

  'onSlow "close": disconnects only the stalled peer, with SLOW_CONSUMER': async (t) => {
    const it = await stalled(t);
    const close = { onSlow: "close" } as const;
    assert.deepEqual(it.server.publish("room", "1", close), result({ sent: 1, closed: 1 }));
    const { code, clean, initiator, error } = await it.ends.next();
    assert.deepEqual([code, clean, initiator], [1006, false, "local"]);
    assert.equal((error as WebSocketError).code, "SLOW_CONSUMER");
    assert.equal(it.conn.bufferedAmount, 0);
    assert.deepEqual(it.server.publish("room", "2", close), result({ sent: 1 }));
    assert.deepEqual(await nextMessages(it.quick, 2), ["1", "2"]);
  },

  "conflated messages are sent before the Close frame": async (t) => {
    const it = await stalled(t);
    const { waiting } = it.server.publish("room", "the last", { onSlow: "conflate" });
    assert.equal(waiting, 1);
    it.conn.close();
    it.slow.resume();
    const sizes: number[] = [];
    for await (const { length } of it.slow) sizes.push(length);
    assert.deepEqual(sizes, [CLOG, "the last".length]);
    assert.equal((await it.ends.next()).clean, true);
    assert.equal(it.server.subscribers("room"), 1);
  },

  "servers with the same broker share their topics, even after an outage": async (t) => {
    const engine = new FakeBroker();
    const errors: unknown[] = [];
    const servers: Server[] = [];
    const clients: Connection<undefined>[] = [];
    for (let i = 0; i < 2; i++) {
      const server = await t.serve({
        backplane: engine.backplane(),
        onError: (error) => errors.push((error as WebSocketError).code),
        open: (conn) => void conn.subscribe("room"),
      });
      servers.push(server);
      clients.push(await t.connect(server.url));
    }
    servers[0].publish("room", "text");
    servers[0].publish("room", Uint8Array.of(0xff, 0));
    for (const client of clients) {
      assert.deepEqual(await nextMessages(client, 2), ["text", Uint8Array.of(0xff, 0)]);
    }
    engine.disconnect(new Error("away"));
    servers[1].publish("room", "waits");
    assert.deepEqual(await nextMessages(clients[1], 1), ["waits"]);
    engine.reconnect();
    servers[1].publish("room", "follows");
    assert.deepEqual(await nextMessages(clients[1], 1), ["follows"]);
    assert.deepEqual(await nextMessages(clients[0], 2), ["waits", "follows"]);
    assert.deepEqual(errors, ["BACKPLANE_DOWN", "BACKPLANE_DOWN"]);
  },

  "sends in order when a handler subscribes and publishes": async (t) => {
    const { peer, server } = await t.accept({
      message: (conn, data) => {
        conn.subscribe(String(data));
        conn.send("sent");
        server.publish(String(data), "published");
      },
    });
    peer.send({ opcode: TEXT, payload: "topic" });
    const texts = (await peer.frames(2)).map(({ payload }) => new TextDecoder().decode(payload));
    assert.deepEqual(texts, ["sent", "published"]);
  },

  "a topic does not retain the message from which its name was sliced": async (t) => {
    const { conns: [conn] } = await room(t, 1);
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 400; i++) {
      const message = new TextDecoder().decode(new Uint8Array(MIB).fill(97 + i % 20));
      conn.subscribe(message.slice(100, 200 + i));
    }
    // Bun collects garbage later than the other runtimes.
    (globalThis as { Bun?: { gc(now: boolean): void } }).Bun?.gc(true);
    const grown = process.memoryUsage().rss - before;
    assert.ok(grown < 200 * MIB, `memory has grown by ${grown} bytes`);
    assert.equal(conn.topics.length, 401);
  },

  "creates and removes 100,000 topics": async (t) => {
    const { server, conns } = await room(t, 20);
    for (let i = 0; i < 100_000; i++) {
      assert.equal(conns[i % conns.length].subscribe(`topic ${i}`), true);
    }
    assert.deepEqual(conns.map(({ topics }) => topics.length), conns.map(() => 5001));
    assert.equal(server.subscribers("topic 99999"), 1);
    for (const conn of conns) for (const topic of conn.topics) conn.unsubscribe(topic);
    assert.equal(server.subscribers("topic 99999"), 0);
    assert.equal(server.subscribers("room"), 0);
    assert.deepEqual(conns.map(({ topics }) => topics), conns.map(() => []));
  },
});
