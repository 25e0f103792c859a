// Compares the output for a client with the topics subprotocol with the output of the same calls
// for a client without it.

import assert from "node:assert/strict";
import { connectionRules } from "../../src/connection/connection_options.ts";
import type { LayeredDriver } from "../../src/connection/driver_context.ts";
import {
  clientTopicsLayer,
  clientTopicsRules,
  TopicNotices,
} from "../../src/pubsub/client_topics.ts";
import type { SessionEvents } from "../../src/session/session.ts";
import type { Connection } from "../../src/connection/connection.ts";
import { prepareMessage } from "../../src/connection/arguments.ts";
import type { ServeOptions } from "../../src/server/serve_options.ts";
import { Opcode } from "../../src/wire/opcode.ts";
import { inflated, RSV1 } from "../support/deflated.ts";
import { upgradeRequest } from "../support/raw_peer.ts";
import { type Harness, nextMacrotask, type Side, socketTest } from "../support/socket_harness.ts";
import type { Chunk } from "../support/sources.ts";
import { openAnotherSide, topicSide } from "../support/topic_client.ts";
import { CONTINUATION, PING, PONG, TEXT, toHex, utf8, type WireFrame } from "../support/vectors.ts";

async function* chunked(...chunks: Chunk[]): AsyncGenerator<Chunk> {
  yield* chunks;
}

/** A compressible topic name. */
const NEWS = "news ".repeat(20);

type Send = (conn: Connection<undefined>) => unknown;

const BYTES = utf8("\nbytes\n");

/** Each send method, and its return value. */
const WAYS: readonly [name: string, send: Send, returns: unknown][] = [
  ["send of text", (conn) => conn.send("text \u{1f600}"), true],
  ["send of an empty string", (conn) => conn.send(""), true],
  ["send of text that starts with line feeds", (conn) => conn.send("\n\n"), true],
  ["send of a lone surrogate", (conn) => conn.send("\ud800"), true],
  ["send of bytes", (conn) => conn.send(BYTES), true],
  ["send of a buffer", (conn) => conn.send(BYTES.slice().buffer), true],
  ["send of long text", (conn) => conn.send("long ".repeat(30_000)), true],
  ["sendUtf8", (conn) => conn.sendUtf8(BYTES), true],
  ["sendDelayed of text", (conn) => conn.sendDelayed("text"), true],
  ["sendDelayed of bytes", (conn) => conn.sendDelayed(BYTES), true],
  ["sendPrepared of text", (conn) => conn.sendPrepared(prepareMessage("text")), true],
  ["sendPrepared of bytes", (conn) => conn.sendPrepared(prepareMessage(BYTES)), true],
  ["ping", (conn) => conn.ping("payload"), true],
  ["pong", (conn) => conn.pong(BYTES), true],
  ["cork", (conn) => conn.cork(() => void (conn.send("1"), conn.send("2"))), undefined],
  ["publish without subscribers", (conn) => void conn.publish("unused", "text"), undefined],
];

/** Opens two connections; only the first has the subprotocol. */
async function two(
  t: Harness,
  options: ServeOptions = {},
): Promise<{ labeled: Side; plain: Side }> {
  const labeled = await topicSide(t, options);
  const plain = await t.accept(options);
  return { labeled, plain };
}

/** Removes the header line. The first frame of each message must have one. */
function withoutLine(frame: WireFrame): WireFrame {
  if (frame.opcode === CONTINUATION || frame.opcode >= 8) return frame;
  assert.equal(frame.payload[0], 0x0a, "the message has no header line");
  return { ...frame, payload: frame.payload.subarray(1) };
}

function shown(frames: readonly WireFrame[]): string[] {
  return frames.map(({ opcode, fin, rsv, payload }) => `${opcode} ${fin} ${rsv} ${toHex(payload)}`);
}

function assertSame(labeled: Side, plain: Side): void {
  assert.deepEqual(shown(labeled.peer.frames.map(withoutLine)), shown(plain.peer.frames));
}

for (const [name, send, returns] of WAYS) {
  socketTest(`${name}: the output differs only in the header line`, async (t) => {
    const { labeled, plain } = await two(t, { delayedWrite: { maxMessages: 1 } });
    assert.equal(send(labeled.conn), returns);
    assert.equal(send(plain.conn), returns);
    await nextMacrotask();
    assertSame(labeled, plain);
    assert.equal(labeled.transport.writes.length, plain.transport.writes.length);
    labeled.conn.terminate();
    plain.conn.terminate();
    assert.equal(
      send(labeled.conn),
      send(plain.conn),
      "the return values are the same after the end",
    );
  });
}

socketTest("the first fragment of a stream starts with the header line", async (t) => {
  const { labeled, plain } = await two(t);
  for (const { conn } of [labeled, plain]) {
    assert.equal(await conn.sendStream(chunked("a\ud83d", "\ude00", "", "b")), true);
    assert.equal(await conn.sendStream(chunked(BYTES, BYTES)), true);
    assert.equal(await conn.sendStream(chunked()), true);
    assert.equal(await conn.sendStream(chunked(BYTES), Opcode.Text), true);
    await assert.rejects(conn.sendStream(chunked(utf8("x"), utf8("y"), 7 as never)), TypeError);
  }
  await nextMacrotask();
  assertSame(labeled, plain);
});

socketTest(
  "messages sent during a stream follow it, each with one header line",
  async (t) => {
    const { labeled, plain } = await two(t);
    for (const { conn } of [labeled, plain]) {
      const streams = [conn.sendStream(chunked("1", "2")), conn.sendStream(chunked("3"))];
      conn.send("text");
      conn.send(BYTES);
      conn.sendPrepared(prepareMessage("prepared"));
      conn.sendDelayed("delayed");
      conn.ping();
      await Promise.all(streams);
    }
    await nextMacrotask();
    assertSame(labeled, plain);
  },
);

socketTest("the writable stream sends messages with header lines", async (t) => {
  const { labeled, plain } = await two(t);
  for (const { conn } of [labeled, plain]) {
    const writer = conn.writable.getWriter();
    await writer.write("text");
    await writer.write(BYTES);
  }
  await nextMacrotask();
  assertSame(labeled, plain);
});

socketTest("flow control counts header lines and is otherwise unchanged", async (t) => {
  const drains: Connection<undefined>[] = [];
  const { labeled, plain } = await two(t, {
    highWaterMark: 5000,
    drain: (conn) => void drains.push(conn),
  });
  for (const { conn, transport, peer } of [labeled, plain]) {
    transport.blocked = true;
    const answers = Array.from({ length: 6 }, () => conn.send(new Uint8Array(1000)));
    assert.deepEqual(answers, [true, true, true, true, false, false]);
    let drained = false;
    conn.drained().then(() => drained = true);
    await nextMacrotask();
    assert.equal(drained, false);
    const perFrame = conn === labeled.conn ? 1005 : 1004;
    assert.equal(conn.bufferedAmount, 6 * perFrame);
    transport.unblock();
    await nextMacrotask();
    assert.equal(drained, true);
    assert.equal(conn.bufferedAmount, 0);
    assert.equal(peer.frames.length, 6);
  }
  assert.deepEqual(drains, [labeled.conn, plain.conn]);
});

socketTest("a peer that does not read is disconnected at maxBufferedAmount", async (t) => {
  const { conn, transport } = await topicSide(t, { highWaterMark: 0, maxBufferedAmount: 5000 });
  transport.blocked = true;
  for (let i = 0; i < 5; i++) conn.send(new Uint8Array(1000));
  const { error } = await conn.closed;
  assert.match(String(error), /The peer reads too slowly: 5025 bytes are waiting/);
});

socketTest(
  "encodes a broadcast once with and once without a header line",
  async (t) => {
    const labeled = await topicSide(t);
    const { server } = labeled;
    const second = await openAnotherSide(t, server);
    const plain = t.rawClient(server);
    plain.send(upgradeRequest());
    await plain.answer();
    const message = prepareMessage("x".repeat(5000));
    assert.equal(server.broadcast(message), 3);
    assert.equal(server.broadcast("text"), 3);
    await nextMacrotask();
    for (const { peer } of [labeled, second]) {
      assert.deepEqual(peer.payloads, [`\n${"x".repeat(5000)}`, "\ntext"]);
    }
    assert.deepEqual(plain.payloads, ["x".repeat(5000), "text"]);
  },
);

socketTest(
  "a published message has its topic's header line, even for server-side subscriptions",
  async (t) => {
    const { server, conn, peer } = await topicSide(t);
    const other = t.rawClient(server);
    other.send(upgradeRequest());
    await other.answer();
    for (const conn of server.clients()) conn.subscribe("__proto__");
    assert.equal(server.publish("__proto__", "to both").sent, 2);
    assert.equal(conn.publish("__proto__", prepareMessage("to the other")).sent, 1);
    conn.unsubscribe("__proto__");
    assert.equal(server.publish("__proto__", BYTES).sent, 1);
    await nextMacrotask();
    const lines = [
      '{"subscribed":"__proto__"}\n',
      '{"topic":"__proto__"}\nto both',
      '{"refused":"__proto__","reason":"the server has unsubscribed it"}\n',
    ];
    assert.deepEqual(peer.payloads, lines);
    assert.deepEqual(other.payloads, ["to both", "to the other", "\nbytes\n"]);
  },
);

socketTest("conflated messages for a slow receiver have their header lines", async (t) => {
  const { server, conn, peer, transport } = await topicSide(t, { highWaterMark: 100 });
  conn.subscribe("quotes");
  await nextMacrotask();
  transport.blocked = true;
  conn.send(new Uint8Array(1000));
  await nextMacrotask();
  const conflate = (text: string): unknown =>
    server.publish("quotes", text, { onSlow: "conflate", key: "k" });
  conflate("1");
  conflate("2");
  assert.equal(server.publish("quotes", "3", { onSlow: "drop" }).dropped, 1);
  transport.unblock();
  await nextMacrotask();
  assert.deepEqual(peer.payloads.slice(0, 1), ['{"subscribed":"quotes"}\n']);
  assert.deepEqual(peer.payloads.slice(2), ['{"topic":"quotes"}\n2']);
});

Deno.test("each notice is a text message with one line", () => {
  const sent: string[] = [];
  const notices = new TopicNotices((text) => void sent.push(text));
  notices.subscribed("a", undefined);
  notices.subscribed('"b"\n', 0);
  notices.refused("c", "no");
  notices.missed("d");
  notices.passed("e", 7);
  assert.deepEqual(sent, [
    '{"subscribed":"a"}\n',
    '{"subscribed":"\\"b\\"\\n","number":0}\n',
    '{"refused":"c","reason":"no"}\n',
    '{"missed":"d"}\n',
    '{"passed":"e","number":7}\n',
  ]);
});

socketTest("compresses messages together with their header lines", async (t) => {
  const compression = { threshold: 10, serverContextTakeover: false };
  const { server, conn, peer } = await topicSide(t, { compression }, [
    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover",
  ]);
  conn.subscribe(NEWS);
  conn.send("x".repeat(1000));
  conn.send("x".repeat(1000), { compress: false });
  server.publish(NEWS, "x".repeat(1000));
  server.broadcast(prepareMessage("y".repeat(1000)));
  conn.ping("z".repeat(100));
  await nextMacrotask();
  const { frames } = peer;
  assert.deepEqual(frames.map(({ opcode, rsv }) => [opcode, rsv === RSV1]), [
    [TEXT, true],
    [TEXT, true],
    [TEXT, false],
    [TEXT, true],
    [TEXT, true],
    [PING, false],
  ]);
  assert.equal(inflated(frames[0]!), `{"subscribed":"${NEWS}"}\n`);
  assert.equal(inflated(frames[1]!), `\n${"x".repeat(1000)}`);
  assert.equal(inflated(frames[3]!), `{"topic":"${NEWS}"}\n${"x".repeat(1000)}`);
  assert.equal(inflated(frames[4]!), `\n${"y".repeat(1000)}`);
  assert.equal(frames.some(({ opcode }) => opcode === PONG), false);
});

const layer = clientTopicsLayer(
  clientTopicsRules({ allow: () => true }, connectionRules({ maxMessageSize: 10_000 }, true))!,
);

Deno.test("the header line does not count toward maxMessageSize", () => {
  assert.equal(layer.rules.maxMessageSize, 10_001);
});

Deno.test("adds the header line to sent text and removes it from received text", () => {
  const log: string[] = [];
  const events = { onText: (text) => log.push(`got ${text}`) } as Partial<SessionEvents>;
  const driver = {} as LayeredDriver<undefined>;
  layer.events(driver, events as SessionEvents).onText("\nhello");
  assert.deepEqual(log, ["got hello"]);
  assert.equal(layer.text("hello"), "\nhello");
});
