// server.stats().memory: each category, accurate to 10 percent.

import assert from "node:assert/strict";
import { MemoryGovernor, type MemoryUse } from "../../src/message/memory_governor.ts";
import type { Server } from "../../src/server/serve.ts";
import { compressed, RSV1 } from "../support/deflated.ts";
import { upgradeRequest } from "../support/raw_peer.ts";
import { type Harness, nextMacrotask, socketTest } from "../support/socket_harness.ts";
import { BINARY } from "../support/vectors.ts";

const SIZE = 200_000;
const DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate";

/** Asserts that one category and the total grew by about this number of bytes. */
function assertGrown(
  server: Server,
  before: MemoryUse,
  part: keyof MemoryUse,
  expected: number,
): void {
  const after = server.stats().memory;
  for (const name of [part, "total"] as const) {
    const grown = after[name] - before[name];
    const isExact = grown >= expected * 0.9 && grown <= expected * 1.1;
    assert.ok(isExact, `${name} grew by ${grown} bytes instead of ${expected}`);
  }
  // The incremental count equals a full recount.
  assert.equal(MemoryGovernor.ofProcess.byteLength, after.total);
}

/** Connects clients that do not read. */
async function stalled(t: Harness, server: Server, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const peer = t.rawClient(server);
    peer.send(upgradeRequest());
    await peer.answer();
  }
  for (const transport of t.network.accepted) transport.blocked = true;
}

socketTest("stats: a partial message", async (t) => {
  const { server, peer } = await t.accept({ message: () => {} });
  const before = server.stats().memory;
  peer.send({ opcode: BINARY, fin: false, payload: new Uint8Array(SIZE) });
  await nextMacrotask();
  assertGrown(server, before, "partialMessages", SIZE);
  peer.send({ opcode: 0, payload: new Uint8Array(1) });
  await nextMacrotask();
  assert.deepEqual(server.stats().memory, before);
});

socketTest("stats: a message during decompression", async (t) => {
  const server = await t.serve({ message: () => {}, compression: true });
  const peer = t.rawClient(server);
  peer.send(upgradeRequest([DEFLATE]));
  await peer.answer();
  const before = server.stats().memory;
  const size = 8 << 20;
  const payload = compressed(new Uint8Array(size));
  peer.send({ opcode: BINARY, rsv: RSV1, payload });
  let largest = 0;
  await until(() => {
    const grown = server.stats().memory.partialMessages - before.partialMessages;
    assert.ok(grown <= (size + payload.length) * 1.1, `${grown} bytes`);
    const isDone = largest > 0 && grown === 0;
    largest = Math.max(largest, grown);
    return isDone;
  });
  assert.ok(largest > size / 2, `at most ${largest} bytes`);
});

socketTest("stats: messages without a reader, and unread chunks", async (t) => {
  const { server, peer } = await t.accept();
  const before = server.stats().memory;
  peer.send({ opcode: BINARY, payload: new Uint8Array(50_000) });
  await nextMacrotask();
  assertGrown(server, before, "unreadMessages", 50_000);
  // This message pauses reading.
  for (let i = 0; i < 2; i++) {
    peer.send({ opcode: BINARY, payload: new Uint8Array(40_000) });
    await nextMacrotask();
  }
  assertGrown(server, before, "unreadMessages", 130_000);
});

socketTest("stats: output for a peer that does not read", async (t) => {
  for (const [count, size] of [[1000, 300], [10, 60_000], [1, 3_000_000]]) {
    const { server, conn, transport } = await t.accept({ message: () => {} });
    const before = server.stats().memory;
    transport.blocked = true;
    for (let i = 0; i < count; i++) conn.send(new Uint8Array(size));
    await nextMacrotask();
    assertGrown(server, before, "output", count * (size + 4));
    transport.unblock();
    await nextMacrotask();
    assert.deepEqual(server.stats().memory, before);
  }
});

socketTest("stats: messages queued after a fragmented message", async (t) => {
  const { server, conn } = await t.accept({ message: () => {} });
  const before = server.stats().memory;
  conn.sendFragment(BINARY, new Uint8Array(10), { fin: false });
  conn.send(new Uint8Array(SIZE));
  await nextMacrotask();
  assertGrown(server, before, "queuedMessages", SIZE);
  conn.sendFragment(0, new Uint8Array(10), { fin: true });
  await nextMacrotask();
  assert.deepEqual(server.stats().memory, before);
});

for (
  const [what, send] of [
    ["broadcast", (server: Server, data: Uint8Array) => server.broadcast(data)],
    ["publish", (server: Server, data: Uint8Array) => server.publish("news", data)],
  ] as const
) {
  socketTest(`stats: counts frames of ${what} once`, async (t) => {
    const server = await t.serve({
      message: () => {},
      open: (conn) => void conn.subscribe("news"),
    });
    await stalled(t, server, 20);
    const before = server.stats().memory;
    for (let i = 0; i < 3; i++) {
      send(server, new Uint8Array(SIZE));
      await nextMacrotask();
    }
    assertGrown(server, before, "sharedFrames", 3 * SIZE);
    for (const transport of t.network.accepted.slice(0, 10)) transport.unblock();
    await nextMacrotask();
    assertGrown(server, before, "sharedFrames", 3 * SIZE);
    for (const transport of t.network.accepted.slice(10)) transport.destroy();
    await nextMacrotask();
    assert.deepEqual(server.stats().memory, before);
  });
}

socketTest(
  "stats: counts conflated messages once and omits replaced messages",
  async (t) => {
    const server = await t.serve({
      message: () => {},
      open: (conn) => void conn.subscribe("prices"),
      highWaterMark: 1000,
    });
    await stalled(t, server, 10);
    server.publish("prices", new Uint8Array(2000));
    await nextMacrotask();
    const before = server.stats().memory;
    for (let i = 0; i < 5; i++) {
      for (const key of ["a", "b", "c"]) {
        server.publish("prices", new Uint8Array(SIZE), { onSlow: "conflate", key });
      }
    }
    await nextMacrotask();
    assertGrown(server, before, "sharedFrames", 3 * SIZE);
    for (const transport of t.network.accepted.slice(0, 5)) transport.unblock();
    for (const transport of t.network.accepted.slice(5)) transport.destroy();
    await nextMacrotask();
    const { sharedFrames, total } = server.stats().memory;
    assert.ok(sharedFrames < before.sharedFrames && total < before.total);
  },
);

socketTest("stats: compression contexts", async (t) => {
  const server = await t.serve({ compression: "compatible", message: (c, d) => void c.send(d) });
  const before = server.stats().memory;
  const peer = t.rawClient(server);
  peer.send(upgradeRequest([DEFLATE]));
  await peer.answer();
  peer.send({ opcode: BINARY, rsv: RSV1, payload: compressed(new Uint8Array(40_000)) });
  await nextMacrotask();
  // A receive window of 32 KiB, and the encoder for the echo.
  const { contexts, total } = server.stats().memory;
  assert.ok(contexts - before.contexts >= 32_768, `${contexts - before.contexts} bytes`);
  assert.equal(total - before.total, contexts - before.contexts);
});

socketTest("stats: incomplete requests, and bytes pipelined after a request", async (t) => {
  const server = await t.serve({ upgrade: () => new Promise<undefined>(() => {}) });
  const before = server.stats().memory;
  const lines = Array.from({ length: 10 }, (_, i) => `X-${i}: ${"x".repeat(1000)}`);
  const request = upgradeRequest(lines);
  for (let i = 0; i < 10; i++) t.rawClient(server).send(request.slice(0, 8000));
  await nextMacrotask();
  assertGrown(server, before, "handshakes", 10 * 8000);
  t.rawClient(server).send(upgradeRequest(), new Uint8Array(50_000));
  await nextMacrotask();
  assertGrown(server, before, "handshakes", 130_000);
});

socketTest("closes connections when decompression contexts exceed memoryLimit", async (t) => {
  const codes: unknown[] = [];
  const limit = MemoryGovernor.ofProcess.byteLength + 10 * 32_768 + 20_000;
  const server = await t.serve({
    memoryLimit: limit,
    compression: "compatible",
    message: () => {},
    close: (_, { error }) => void codes.push((error as { code?: string }).code),
  });
  const peers = Array.from({ length: 11 }, () => t.rawClient(server));
  for (const peer of peers) {
    peer.send(upgradeRequest([DEFLATE]));
    await peer.answer();
    peer.send({ opcode: BINARY, rsv: RSV1, payload: compressed(new Uint8Array(40_000)) });
    await nextMacrotask();
  }
  for (const peer of peers) peer.transport.end();
  await until(() => codes.length > 0);
  assert.equal(codes[0], "MEMORY_LIMIT");
  assert.ok(MemoryGovernor.ofProcess.byteLength <= limit);
});

socketTest(
  "closes the connection with the most unshared output",
  async (t) => {
    const closed: unknown[] = [];
    const limit = MemoryGovernor.ofProcess.byteLength + 1_000_000;
    const server = await t.serve({
      memoryLimit: limit,
      message: () => {},
      close: (conn) => void closed.push(conn),
    });
    await stalled(t, server, 5);
    for (let i = 0; i < 3; i++) {
      server.broadcast(new Uint8Array(SIZE));
      await nextMacrotask();
    }
    const [, , own] = [...server.clients()];
    own.send(new Uint8Array(250_000));
    await nextMacrotask();
    assert.deepEqual(closed, []);
    own.send(new Uint8Array(250_000));
    await nextMacrotask();
    assert.deepEqual(closed, [own]);
  },
);

/** Waits, one turn of the event loop at a time, until a condition is met. */
async function until(isMet: () => boolean): Promise<void> {
  while (!isMet()) await new Promise((resolve) => setTimeout(resolve));
}
