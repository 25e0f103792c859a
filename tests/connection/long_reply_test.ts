// Long messages are compressed in slices, so that they do not delay other connections. Slicing does
// not change message order, closing, backpressure or memory accounting.

import assert from "node:assert/strict";
import { prepareMessage } from "../../src/connection/arguments.ts";
import { MemoryGovernor } from "../../src/message/memory_governor.ts";
import type { ServeOptions } from "../../src/server/serve_options.ts";
import { compressed, inflated, RSV1 } from "../support/deflated.ts";
import { type RawPeer, upgradeRequest } from "../support/raw_peer.ts";
import { type Harness, nextMacrotask, type Side, socketTest } from "../support/socket_harness.ts";
import { BINARY, CLOSE, closePayload, TEXT } from "../support/vectors.ts";

/** 1.2 MB of text that is slow to compress: longer than the default `highWaterMark`. */
const LONG = Array.from({ length: 400_000 }, (_, index) => (index * 7919 % 10_007).toString(36))
  .join(" ").slice(0, 1_200_000);

/** Text whose compressed size exceeds 1 MiB, the largest part of the output. Takes many turns. */
const LONGEST = LONG.repeat(2);

const DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate";

async function accept(t: Harness, options: ServeOptions = {}): Promise<Side> {
  const server = await t.serve({ compression: true, ...options });
  const peer = await client(t, server);
  const [conn] = server.clients();
  return { conn, peer, transport: peer.transport.peer };
}

async function client(
  t: Harness,
  server: { readonly port: number },
  extensions = DEFLATE,
): Promise<RawPeer> {
  const peer = t.rawClient(server);
  peer.send(upgradeRequest([extensions]));
  assert.equal((await peer.answer()).status, 101);
  return peer;
}

socketTest("compression does not delay other connections or reorder messages", async (t) => {
  const server = await t.serve({ compression: true, message: (conn, data) => conn.send(data) });
  const peer = await client(t, server);
  const [conn] = server.clients();
  const other = await client(t, server);
  conn.send(LONGEST);
  conn.send("behind");
  conn.send("last");
  other.send({ opcode: TEXT, payload: "echo" });
  await other.framesOf(1);
  assert.equal(peer.bytes.length, 0, "the other connection was served first");
  const [long, behind, last] = await peer.framesOf(3);
  assert.equal(inflated(long), LONGEST);
  assert.deepEqual([behind.payload, last.payload].map(String), ["behind", "last"].map(bytesOf));
});

function bytesOf(text: string): string {
  return String(new TextEncoder().encode(text));
}

socketTest("answers pings during compression", async (t) => {
  const { conn, peer } = await accept(t);
  conn.send(LONG);
  conn.ping();
  await peer.framesOf(1);
  assert.equal(peer.frames[0].opcode, 9);
  assert.equal(inflated((await peer.framesOf(2))[1]), LONG);
});

socketTest("send copies long messages, so the caller may reuse their memory", async (t) => {
  const { conn, peer } = await accept(t);
  const bytes = new TextEncoder().encode(LONG);
  conn.send(bytes);
  bytes.fill(0);
  conn.send(new TextEncoder().encode("x".repeat(300_000)).buffer);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  const [first, second] = await peer.framesOf(2);
  assert.equal(inflated(first), LONG);
  assert.equal(inflated(second), "x".repeat(300_000));
});

socketTest("bufferedAmount includes a long message until it is sent", async (t) => {
  const { conn, peer } = await accept(t);
  const written: unknown[] = [];
  assert.equal(conn.send(LONG, { written: (error) => written.push(error) }), false);
  assert.equal(conn.bufferedAmount, LONG.length);
  assert.deepEqual(written, []);
  await conn.drained();
  await peer.framesOf(1);
  await nextMacrotask();
  assert.deepEqual([conn.bufferedAmount, written], [0, [undefined]]);
});

socketTest(
  "compression does not count toward maxBufferedAmount of a peer that reads",
  async (t) => {
    const { conn, peer } = await accept(t, { maxBufferedAmount: LONG.length });
    for (let i = 0; i < 4; i++) conn.send(LONG);
    const frames = await peer.framesOf(4);
    for (const frame of frames) assert.equal(inflated(frame), LONG);
  },
);

socketTest("close sends a long message before the Close frame", async (t) => {
  const { conn, peer } = await accept(t);
  conn.send(LONG);
  conn.send("behind");
  conn.close(1000);
  const [long, behind, close] = await peer.framesOf(3);
  assert.equal(inflated(long), LONG);
  assert.deepEqual([behind.opcode, close.opcode], [TEXT, CLOSE]);
  peer.send({ opcode: CLOSE, payload: closePayload(1000) });
  peer.transport.end();
  assert.equal((await conn.closed).clean, true);
});

socketTest("answers the peer's Close frame after a long message", async (t) => {
  for (const text of [LONG.slice(0, 500_000), LONG]) {
    const { conn, peer } = await accept(t, { message: (conn) => void conn.send(text) });
    peer.send({ opcode: TEXT, payload: "please" }, {
      opcode: CLOSE,
      payload: closePayload(1000),
    });
    const [long, close] = await peer.framesOf(2);
    assert.equal(inflated(long), text);
    assert.equal(close.opcode, CLOSE);
    peer.transport.end();
    assert.equal((await conn.closed).clean, true);
  }
});

socketTest("shutdown sends a long message", async (t) => {
  const server = await t.serve({ compression: true });
  const peer = await client(t, server);
  server.broadcast(LONG);
  const down = server.shutdown({ timeout: 60_000 });
  const [long] = await peer.framesOf(2);
  assert.equal(inflated(long), LONG);
  peer.send({ opcode: CLOSE, payload: closePayload(1001) });
  peer.transport.end();
  await down;
});

socketTest("sends incompressible data uncompressed", async (t) => {
  const { conn, peer } = await accept(t);
  const noise = new Uint8Array(1 << 19);
  let state = 1;
  for (let i = 0; i < noise.length; i++) {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    noise[i] = state >>> 24;
  }
  conn.send(noise);
  const [{ rsv, payload }] = await peer.framesOf(1);
  assert.equal(rsv, 0);
  assert.ok(payload.length === noise.length && payload.every((byte, i) => byte === noise[i]));
});

for (
  const compression of [
    true,
    { serverContextTakeover: true, clientContextTakeover: true },
  ] as const
) {
  socketTest(
    `a client and a server exchange long messages, ${JSON.stringify(compression)}`,
    async (t) => {
      const texts = [LONG.slice(0, 3000), LONGEST, "between", LONG.slice(0, 3000), LONG];
      const { near } = await t.pair({ compression, message: (conn, data) => conn.send(data) }, {
        compression,
      });
      for (const text of texts) near.send(text);
      const received: string[] = [];
      for await (const message of near) {
        received.push(String(message));
        if (received.length === texts.length) break;
      }
      assert.ok(received.every((text, i) => text === texts[i]));
    },
  );
}

socketTest("compresses and stores a prepared message once for all connections", async (t) => {
  const server = await t.serve({ compression: true });
  const peers = [await client(t, server), await client(t, server), await client(t, server)];
  const before = MemoryGovernor.ofProcess.byteLength;
  server.broadcast(prepareMessage(LONG));
  for (const conn of server.clients()) conn.send("behind");
  const { memory } = server.stats();
  const held = memory.total - before;
  assert.ok(held >= LONG.length && held < LONG.length * 1.5, `${held} bytes`);
  assert.ok(memory.sharedFrames >= LONG.length, `${memory.sharedFrames} bytes`);
  for (const peer of peers) {
    const [long, behind] = await peer.framesOf(2);
    assert.equal(inflated(long), LONG);
    assert.equal(String(behind.payload), bytesOf("behind"));
  }
  await nextMacrotask();
  assert.equal(server.stats().memory.total, before);
});

socketTest(
  "counts the memory of a long message until it is sent or the connection ends",
  async (t) => {
    const server = await t.serve({ compression: true });
    const before = server.stats().memory.total;
    for (const isLost of [false, true]) {
      const peer = await client(t, server);
      const [conn] = server.clients();
      const errors: unknown[] = [];
      conn.send(LONG, { written: (error) => errors.push(error) });
      const { queuedMessages } = server.stats().memory;
      assert.ok(queuedMessages >= LONG.length && queuedMessages < LONG.length * 1.1);
      if (isLost) {
        peer.transport.destroy();
        assert.equal((await conn.closed).clean, false);
        assert.ok(errors.length === 1 && errors[0] instanceof Error);
      } else {
        await peer.framesOf(1);
        conn.terminate();
        await conn.closed;
        assert.deepEqual(errors, [undefined]);
      }
      assert.equal(server.stats().memory.total, before);
    }
  },
);

socketTest("terminate during compression reports the message as not sent", async (t) => {
  const { conn } = await accept(t);
  const errors: unknown[] = [];
  conn.send(LONG, { written: (error) => errors.push(error) });
  conn.send("behind", { written: (error) => errors.push(error) });
  conn.terminate();
  await conn.closed;
  assert.ok(errors.length === 2 && errors.every((error) => error instanceof Error));
});

socketTest("closes a connection whose messages to compress exceed memoryLimit", async (t) => {
  const { conn } = await accept(t, {
    memoryLimit: 2.5 * LONG.length,
    maxBufferedAmount: LONG.length,
  });
  for (let i = 0; i < 4; i++) conn.send(LONG);
  const { error } = await conn.closed;
  assert.equal(error !== undefined && "code" in error ? error.code : "none", "MEMORY_LIMIT");
});

socketTest("pauses reading while replies are being compressed", async (t) => {
  let received = 0;
  const text = LONG.slice(0, 1 << 19);
  const { conn, peer } = await accept(t, {
    highWaterMark: text.length / 2,
    message: (conn, data) => void (received++, conn.send(data)),
  });
  const payload = compressed(text);
  for (let i = 0; i < 5; i++) peer.send({ opcode: TEXT, rsv: RSV1, payload });
  let most = 0;
  while (received < 5 || conn.bufferedAmount > 0) {
    await new Promise((resolve) => setTimeout(resolve));
    most = Math.max(most, conn.bufferedAmount);
  }
  assert.ok(most < 2 * text.length, `${most} bytes`);
  for (const frame of await peer.framesOf(5)) assert.ok(inflated(frame) === text);
});

socketTest("with context takeover, a message can refer to an earlier long message", async (t) => {
  const server = await t.serve({ compression: { serverContextTakeover: true } });
  const peer = await client(t, server);
  const [conn] = server.clients();
  conn.send(LONG.slice(0, 3000));
  conn.send(LONG);
  conn.send(LONG.slice(-2000));
  const frames = await peer.framesOf(3);
  assert.ok(frames[2].payload.length < 300, `${frames[2].payload.length} bytes`);
  const tail = Uint8Array.of(0, 0, 0xff, 0xff);
  const parts = frames.flatMap(({ payload }) => [payload, tail]);
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  const whole = { payload: all.subarray(0, -4), rsv: RSV1, opcode: BINARY, fin: true };
  assert.ok(
    inflated({ ...frames[0], ...whole }) === `${LONG.slice(0, 3000)}${LONG}${LONG.slice(-2000)}`,
  );
});
