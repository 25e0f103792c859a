// memoryLimit: the total memory of all connections, and which connection to close.

import assert from "node:assert/strict";
import type { WebSocketError } from "../../src/errors.ts";
import { MemoryGovernor } from "../../src/message/memory_governor.ts";
import type { CloseInfo } from "../../src/session/end.ts";
import { upgradeRequest } from "../support/raw_peer.ts";
import { nextMacrotask, socketTest } from "../support/socket_harness.ts";
import { BINARY, CONTINUATION, TEXT } from "../support/vectors.ts";

const governor = MemoryGovernor.ofProcess;

function codeOf({ error }: CloseInfo): string | undefined {
  return (error as WebSocketError | undefined)?.code;
}

/** Returns a memoryLimit this many bytes above current use. */
function room(bytes: number): { memoryLimit: number } {
  return { memoryLimit: governor.byteLength + bytes };
}

socketTest(
  "closes the connection with the largest partial message with 1013 and delivers the smaller one",
  async (t) => {
    const got: number[] = [];
    const options = {
      ...room(50_000),
      message: (_: unknown, data: string | Uint8Array) => void got.push(data.length),
    };
    const large = await t.accept(options);
    const small = await t.accept(options);
    small.peer.send({ opcode: BINARY, fin: false, payload: new Uint8Array(1000) });
    await nextMacrotask();
    large.peer.send({ opcode: BINARY, fin: false, payload: new Uint8Array(60_000) });
    small.peer.send({ opcode: CONTINUATION, payload: new Uint8Array(1000) });
    await nextMacrotask();
    large.peer.transport.end();
    const info = await large.conn.closed;
    assert.deepEqual([info.code, info.sent, codeOf(info)], [1013, 1013, "MEMORY_LIMIT"]);
    assert.deepEqual(got, [2000]);
    assert.equal(small.conn.readyState, "open");
  },
);

socketTest("counts unread messages and closes the connection with the most", async (t) => {
  const options = room(100_000);
  const [one, two] = [await t.accept(options), await t.accept(options)];
  one.peer.send({ opcode: BINARY, payload: new Uint8Array(60_000) });
  await nextMacrotask();
  two.peer.send({ opcode: BINARY, payload: new Uint8Array(50_000) });
  await nextMacrotask();
  one.peer.transport.end();
  assert.equal(codeOf(await one.conn.closed), "MEMORY_LIMIT");
  assert.equal((await two.conn[Symbol.asyncIterator]().next()).value!.length, 50_000);
});

socketTest("counts the output of a slow peer and disconnects it", async (t) => {
  const { conn, transport } = await t.accept({ ...room(100_000), message: () => {} });
  transport.blocked = true;
  for (let i = 0; i < 11; i++) conn.send(new Uint8Array(10_000));
  const info = await conn.closed;
  assert.deepEqual([info.code, codeOf(info)], [1006, "MEMORY_LIMIT"]);
});

socketTest("counts frames shared by many slow peers once", async (t) => {
  const server = await t.serve({ ...room(200_000), message: () => {} });
  const peers = Array.from({ length: 20 }, () => t.rawClient(server));
  for (const peer of peers) {
    peer.send(upgradeRequest());
    await peer.answer();
  }
  for (const transport of t.network.accepted) transport.blocked = true;
  for (let i = 0; i < 3; i++) {
    server.broadcast(new Uint8Array(50_000));
    await nextMacrotask();
  }
  assert.equal(server.connections, 20);
  for (const transport of t.network.accepted) transport.unblock();
  await nextMacrotask();
  for (const peer of peers) assert.equal(peer.payloads.length, 3);
});

socketTest(
  "releases counted memory after a read, after a write and at the connection's end",
  async (t) => {
    const before = governor.counted;
    const { conn, peer, transport } = await t.accept();
    peer.send({ opcode: TEXT, payload: "x".repeat(10_000) });
    await nextMacrotask();
    assert.equal(governor.counted, before + 10_000);
    await conn[Symbol.asyncIterator]().next();
    assert.equal(governor.counted, before);
    transport.blocked = true;
    conn.send(new Uint8Array(20_000));
    await nextMacrotask();
    assert.ok(governor.counted >= before + 20_000 && governor.counted < before + 22_000);
    transport.unblock();
    await nextMacrotask();
    assert.equal(governor.counted, before);
    peer.send({ opcode: BINARY, fin: false, payload: new Uint8Array(5000) });
    await nextMacrotask();
    assert.ok(governor.counted > before);
    peer.transport.destroy();
    await conn.closed;
    assert.equal(governor.counted, before);
  },
);

socketTest("answers new handshakes with 503 near the limit", async (t) => {
  const side = await t.accept(room(100_000));
  side.peer.send({ opcode: BINARY, payload: new Uint8Array(98_000) });
  await nextMacrotask();
  const late = t.rawClient(side.server);
  late.send(upgradeRequest());
  assert.equal((await late.answer()).status, 503);
});
