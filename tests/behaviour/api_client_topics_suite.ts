// Client-side topic subscriptions over real sockets, with raw clients.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type CloseInfo,
  type Connection,
  InvalidPayloadError,
  prepareMessage,
  type ServeOptions,
  type Server,
  type UpgradeRequest,
} from "../../mod.ts";
import { attach } from "../../src/node.ts";
import { compressed, inflated, RSV1 } from "../support/deflated.ts";
import { FakeBroker } from "../support/fake_broker.ts";
import { Deferred, type Live, liveCases, Queue } from "../support/live_harness.ts";
import type { RawSocket } from "../support/raw_socket.ts";
import { BINARY, CLOSE, CONTINUATION, type FrameParts, hex, TEXT } from "../support/vectors.ts";
import type { Cases } from "./harness.ts";

const SUBPROTOCOL = "quickws.topics.1";

const everything = { allow: () => true };

/** Creates a client's text message. */
const text = (payload: string): FrameParts => ({ opcode: TEXT, payload });

/** Creates a client's request line. */
const line = (request: unknown): FrameParts => text(`${JSON.stringify(request)}\n`);

/** Connects a raw client that offers subprotocols. Returns it with the server's choice. */
async function offering(
  t: Live,
  server: { readonly port: number },
  offer: string,
  lines: readonly string[] = [],
): Promise<{ peer: RawSocket; chosen: string | null }> {
  const peer = await t.rawClient(server);
  const { status, headers } = await peer.upgrade([`Sec-WebSocket-Protocol: ${offer}`, ...lines]);
  assert.equal(status, 101);
  return { peer, chosen: headers.get("sec-websocket-protocol") };
}

/** Connects a raw client that uses the topics subprotocol. */
async function listener(
  t: Live,
  server: { readonly port: number },
  lines?: readonly string[],
): Promise<RawSocket> {
  const { peer, chosen } = await offering(t, server, SUBPROTOCOL, lines);
  assert.equal(chosen, SUBPROTOCOL);
  return peer;
}

/** Returns the texts of the next messages. */
async function next(peer: RawSocket, count: number): Promise<string[]> {
  const frames = await peer.frames(count);
  return frames.map(({ payload }) => new TextDecoder().decode(payload));
}

/** Returns the expected messages of a topic. */
function ofTopic(topic: string, count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => `{"topic":"${topic}"}\nmessage ${from + i}`);
}

export const cases: Cases = liveCases({
  "prefers the topics subprotocol with the option, and ignores it without": async (t) => {
    const choices: [options: ServeOptions, offer: string, chosen: string | null][] = [
      [{ clientTopics: everything }, SUBPROTOCOL, SUBPROTOCOL],
      [{ clientTopics: everything, subprotocols: ["a"] }, `a, ${SUBPROTOCOL}`, SUBPROTOCOL],
      [{ clientTopics: everything, subprotocols: ["a"] }, "b, a", "a"],
      [{ clientTopics: everything }, "quickws.topics.2, QuickWS.Topics.1", null],
      [{ subprotocols: ["a"] }, `${SUBPROTOCOL}, a`, "a"],
      [{}, SUBPROTOCOL, null],
    ];
    for (const [options, offer, chosen] of choices) {
      const server = await t.serve({ ...options, message: (conn, data) => void conn.send(data) });
      const client = await offering(t, server, offer);
      assert.equal(client.chosen, chosen);
      client.peer.send(text("\nhello"));
      assert.deepEqual(await next(client.peer, 1), ["\nhello"], "with or without a topic line");
      const message = line({ subscribe: "news" });
      client.peer.send(message);
      assert.deepEqual(await next(client.peer, 1), [
        chosen === SUBPROTOCOL ? '{"subscribed":"news"}\n' : message.payload,
      ]);
    }
  },

  "an upgrade hook can select this subprotocol or another": async (t) => {
    const server = await t.serve({
      clientTopics: everything,
      upgrade: ({ url, subprotocols }: UpgradeRequest) =>
        url.endsWith("/chat") ? { subprotocol: subprotocols.at(-1)! } : undefined,
      open: (conn) => void conn.send(conn.protocol),
    });
    const first = await offering(t, server, `${SUBPROTOCOL}, a`);
    assert.equal(first.chosen, "a");
    assert.deepEqual(await next(first.peer, 1), ["a"]);
    const second = await offering(t, server, `a, ${SUBPROTOCOL}`);
    assert.equal(second.chosen, SUBPROTOCOL);
    assert.deepEqual(await next(second.peer, 1), [`\n${SUBPROTOCOL}`]);
  },

  "subscribed clients get later messages, once and in order": async (t) => {
    const server = await t.serve({
      clientTopics: { allow: (_, topic) => topic !== "secret" },
      message: (conn, data) => void conn.publish("room", data),
    });
    const peers = [];
    for (let i = 0; i < 5; i++) peers.push(await listener(t, server));
    server.publish("room", "too early");
    for (const peer of peers) {
      peer.send(line({ subscribe: "room" }), line({ subscribe: "secret" }));
      assert.deepEqual(await next(peer, 2), [
        '{"subscribed":"room"}\n',
        '{"refused":"secret","reason":"not allowed"}\n',
      ]);
    }
    for (let i = 0; i < 500; i++) assert.equal(server.publish("room", `message ${i}`).sent, 5);
    for (const peer of peers) assert.deepEqual(await next(peer, 500), ofTopic("room", 500));
    peers[0].send(text("\nmessage 0"), line({ unsubscribe: "room" }));
    for (const peer of peers.slice(1)) assert.deepEqual(await next(peer, 1), ofTopic("room", 1));
    assert.equal(server.publish("room", "message 1").sent, 4);
    assert.equal(server.broadcast("end"), 5);
    assert.deepEqual(await next(peers[0], 1), ["\nend"]);
  },

  "transfers text and bytes in both directions, whole and in fragments": async (t) => {
    const server = await t.serve({
      clientTopics: everything,
      message: async (conn, data) => {
        conn.send(data);
        conn.sendPrepared(prepareMessage(data));
        await conn.sendStream((async function* () {
          yield data;
          yield data;
        })());
      },
    });
    const peer = await listener(t, server);
    for (const data of ["text \u{1f600}", hex("00 ff 0a")]) {
      const opcode = typeof data === "string" ? TEXT : BINARY;
      peer.send({ opcode, fin: false, payload: "\n" }, { opcode: CONTINUATION, payload: data });
      const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
      const expected = [...bytes];
      const frames = await peer.frames(5);
      assert.deepEqual(
        frames.map(({ opcode, fin, payload }) => [opcode, fin, [...payload]]),
        [
          [opcode, true, [10, ...expected]],
          [opcode, true, [10, ...expected]],
          [opcode, false, [10, ...expected]],
          [CONTINUATION, false, expected],
          [CONTINUATION, true, []],
        ],
      );
    }
  },

  "clients with and without topic lines share a topic": async (t) => {
    const server = await t.serve({
      clientTopics: everything,
      open: (conn) => void conn.subscribe("room"),
    });
    const peer = await listener(t, server);
    const plain = await t.connect(server.url);
    const message = prepareMessage("message 0");
    assert.equal(server.publish("room", message).sent, 2);
    assert.equal(server.publish("room", "message 1").sent, 2);
    assert.equal(server.broadcast(message), 2);
    assert.deepEqual(await next(peer, 4), [
      '{"subscribed":"room"}\n',
      ...ofTopic("room", 2),
      "\nmessage 0",
    ]);
    const messages = plain[Symbol.asyncIterator]();
    for (const expected of ["message 0", "message 1", "message 0"]) {
      assert.equal((await messages.next()).value, expected);
    }
  },

  "allow may be asynchronous, and has no effect after the close": async (t) => {
    const asked = new Queue<Deferred<boolean>>();
    const ends = new Queue<CloseInfo>();
    const server = await t.serve({
      clientTopics: {
        allow() {
          const decision = new Deferred<boolean>();
          asked.push(decision);
          return decision.promise;
        },
      },
      close: (_, info) => ends.push(info),
    });
    const peer = await listener(t, server);
    peer.send(line({ subscribe: "a" }), line({ subscribe: "b" }));
    const [first, second] = await asked.atLeast(2);
    assert.equal(server.publish("a", "too early").sent, 0);
    first.resolve(true);
    assert.deepEqual(await next(peer, 1), ['{"subscribed":"a"}\n']);
    server.publish("a", "message 0");
    assert.deepEqual(await next(peer, 1), ofTopic("a", 1));
    peer.destroy();
    await ends.next();
    second.resolve(true);
    await second.promise;
    assert.deepEqual([server.subscribers("a"), server.subscribers("b")], [0, 0]);
  },

  "an invalid request closes only its own connection, with 1007": async (t) => {
    const ends = new Queue<CloseInfo>();
    const server = await t.serve({ clientTopics: everything, close: (_, info) => ends.push(info) });
    const witness = await listener(t, server);
    witness.send(line({ subscribe: "room" }));
    await witness.frame();
    const wrong = [
      text("hello"),
      text('{"subscribe":"room"}\nhello'),
      line({ subscribe: "\ud800" }),
      line({ subscribe: "x".repeat(1025) }),
      line({ subscribe: "room", after: -1 }),
      { opcode: BINARY, payload: hex("ff 0a") },
    ];
    for (const frame of wrong) {
      const peer = await listener(t, server);
      peer.send(frame, line({ subscribe: "room" }));
      const close = (await peer.frame())!;
      assert.equal(close.opcode, CLOSE);
      assert.equal(close.payload[0] << 8 | close.payload[1], 1007);
      peer.end();
      const { code, error } = await ends.next();
      assert.equal(code, 1007);
      assert.ok(error instanceof InvalidPayloadError);
      assert.equal(error.code, "TOPIC_LINE_INVALID");
    }
    assert.equal(server.publish("room", "message 0").sent, 1);
    assert.deepEqual(await next(witness, 1), ofTopic("room", 1));
  },

  "disconnects a client that sends requests without reading, and serves others": async (
    t,
  ) => {
    const ends = new Queue<CloseInfo>();
    const server = await t.serve({
      clientTopics: { allow: () => false },
      highWaterMark: 65_536,
      maxBufferedAmount: 1 << 20,
      close: (_, info) => ends.push(info),
    });
    const peer = await listener(t, server);
    peer.pause();
    const requests = Array.from(
      { length: 200 },
      (_, i) => line({ subscribe: `${i} `.repeat(250) }),
    );
    while (ends.all.length === 0 && !peer.isClosed) {
      peer.send(...requests);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const { code, error } = await ends.next();
    assert.equal(code, 1006, `${error}`);
    const other = await listener(t, server);
    other.send(line({ subscribe: "a" }));
    assert.deepEqual(await next(other, 1), ['{"refused":"a","reason":"not allowed"}\n']);
  },

  "answers 10,000 simultaneous requests and keeps at most max topics": async (t) => {
    let asked = 0;
    const { promise: decided, resolve: decide } = new Deferred<boolean>();
    const server: Server = await t.serve({
      clientTopics: { allow: () => (asked++, decided), max: 50 },
    });
    const peer = await listener(t, server);
    const topics = Array.from({ length: 10_000 }, (_, i) => `topic ${i}`);
    peer.send(...topics.map((topic) => line({ subscribe: topic })));
    const refusals = await next(peer, 9950);
    assert.ok(refusals.every((notice) => notice.startsWith('{"refused":"topic ')));
    assert.equal(asked, 50);
    decide(true);
    assert.deepEqual(
      await next(peer, 50),
      topics.slice(0, 50).map((topic) => `{"subscribed":"${topic}"}\n`),
    );
    const [conn] = server.clients();
    assert.equal(conn.topics.length, 50);
  },

  "messages from all servers on a broker have their topic": async (t) => {
    const engine = new FakeBroker();
    const servers: Server[] = [];
    for (let i = 0; i < 2; i++) {
      servers.push(await t.serve({ clientTopics: everything, backplane: engine.backplane() }));
    }
    const peer = await listener(t, servers[0]);
    peer.send(line({ subscribe: "room" }));
    assert.deepEqual(await next(peer, 1), ['{"subscribed":"room"}\n']);
    servers[1].publish("room", "message 0");
    servers[1].publish("room", new TextEncoder().encode("message 1"));
    const frames = await peer.frames(2);
    assert.deepEqual(frames.map(({ opcode }) => opcode), [TEXT, BINARY]);
    assert.deepEqual(
      frames.map(({ payload }) => new TextDecoder().decode(payload)),
      ofTopic("room", 2),
    );
  },

  "compresses messages with their lines, and accepts compressed requests": async (t) => {
    const server = await t.serve({
      clientTopics: everything,
      compression: { threshold: 100 },
      message: (conn, data) => void conn.send(data),
    });
    const peer = await listener(t, server, ["Sec-WebSocket-Extensions: permessage-deflate"]);
    const long = "All work and no play makes Jack a dull boy. ".repeat(50);
    const send = (payload: string): void =>
      void peer.send({ opcode: TEXT, rsv: RSV1, payload: compressed(payload) });
    send(`\n${long}`);
    assert.equal(inflated((await peer.frame())!), `\n${long}`);
    send('{"subscribe":"room"}\n');
    assert.deepEqual(await next(peer, 1), ['{"subscribed":"room"}\n']);
    server.publish("room", long);
    const { payload, rsv } = (await peer.frame())!;
    assert.equal(rsv, RSV1);
    assert.ok(payload.length < long.length / 10);
  },

  "attach supports the option as well": async (t) => {
    const http = createServer();
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    const opened = new Deferred<Connection<undefined>>();
    const sockets = attach(http, {
      clientTopics: everything,
      open: (conn) => opened.resolve(conn),
    });
    t.context.after(async () => {
      await sockets.shutdown({ timeout: 0 });
      http.close();
      http.closeAllConnections();
    });
    const peer = await listener(t, http.address() as AddressInfo);
    peer.send(line({ subscribe: "room" }));
    assert.deepEqual(await next(peer, 1), ['{"subscribed":"room"}\n']);
    assert.deepEqual((await opened.promise).topics, ["room"]);
    sockets.publish("room", "message 0");
    assert.deepEqual(await next(peer, 1), ofTopic("room", 1));
  },
});
