// memoryLimit over the runtime's WebSockets: the driver's memory and the runtime's buffered output.

import assert from "node:assert/strict";
import { connect, createSockets } from "../../src/deno.ts";
import type { DenoServeSockets } from "../../src/native/deno.ts";
import type { SocketsOptions } from "../../src/native/sockets.ts";
import { type CloseInfo, type Connection, Opcode, type WebSocketError } from "../../src/public.ts";
import { RawSocket } from "../support/raw_socket.ts";

const MIB = 1 << 20;

/** Starts a server with one raw client that does not read. */
async function start(options: SocketsOptions<undefined>): Promise<
  AsyncDisposable & {
    readonly sockets: DenoServeSockets<undefined>;
    readonly conn: Connection<undefined>;
    readonly peer: RawSocket;
    readonly port: number;
  }
> {
  const opened = Promise.withResolvers<Connection<undefined>>();
  const sockets = createSockets({ message: () => {}, open: opened.resolve, ...options });
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request, info) => sockets.handle(request, info) ?? new Response("plain"),
  );
  const { port } = server.addr;
  const peer = await RawSocket.open({ port });
  await peer.upgrade();
  peer.pause();
  return {
    sockets,
    conn: await opened.promise,
    peer,
    port,
    async [Symbol.asyncDispose](): Promise<void> {
      peer.destroy();
      await sockets.shutdown({ timeout: 0 });
      await server.shutdown();
    },
  };
}

/** Returns the memory of all connections in the process. */
function held(): number {
  const sockets = createSockets();
  const { total } = sockets.stats().memory;
  sockets.shutdown();
  return total;
}

function codeOf({ error }: CloseInfo): string | undefined {
  return (error as WebSocketError | undefined)?.code;
}

Deno.test("counts fragments until the message is complete or the connection ends", async () => {
  const before = held();
  await using server = await start({ memoryLimit: before + 100_000 });
  const { sockets, conn } = server;
  conn.sendFragment(Opcode.Binary, new Uint8Array(60_000));
  assert.equal(sockets.stats().memory.output, 60_000);
  assert.equal(held(), before + 60_000);
  conn.sendFragment(Opcode.Binary, new Uint8Array(10), { fin: true });
  assert.equal(held(), before);
  conn.sendFragment(Opcode.Binary, new Uint8Array(60_000));
  assert.equal(conn.sendFragment(Opcode.Binary, new Uint8Array(60_000)), false);
  assert.equal(conn.readyState, "closing");
  assert.equal(held(), before, "the connection's memory is released immediately");
  const info = await conn.closed;
  assert.deepEqual([info.code, codeOf(info)], [1006, "MEMORY_LIMIT"]);
  assert.equal(held(), before);
});

Deno.test("counts output above highWaterMark until it is sent", async () => {
  const before = held();
  await using server = await start({ highWaterMark: MIB });
  const { sockets, conn, peer } = server;
  conn.send(new Uint8Array(16 * MIB));
  assert.ok(sockets.stats().memory.output >= 16 * MIB);
  assert.ok(held() >= before + 16 * MIB);
  peer.discards = true;
  peer.resume();
  await conn.drained();
  assert.equal(held(), before);
});

Deno.test("closes only the connection with the most output", async () => {
  const before = held();
  await using server = await start({ highWaterMark: MIB, memoryLimit: before + 40 * MIB });
  const { sockets, conn, port } = server;
  const other = await connect(`ws://127.0.0.1:${port}/`);
  const reading = other[Symbol.asyncIterator]().next();
  conn.send(new Uint8Array(16 * MIB));
  sockets.broadcast("a small message", { except: conn });
  assert.equal(conn.send(new Uint8Array(32 * MIB)), false);
  const info = await conn.closed;
  assert.deepEqual([info.code, info.initiator, codeOf(info)], [1006, "local", "MEMORY_LIMIT"]);
  assert.equal((await reading).value, "a small message");
  assert.equal(sockets.connections, 1);
  assert.equal(held(), before);
  await other.close();
});

Deno.test("answers new requests with 503 near the limit", async () => {
  const before = held();
  await using server = await start({ memoryLimit: before + 100_000 });
  server.conn.sendFragment(Opcode.Binary, new Uint8Array(99_000));
  await assert.rejects(connect(`ws://127.0.0.1:${server.port}/`), { status: 503 });
});
