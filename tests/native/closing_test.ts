// Closing connections over Deno.serve, which does not provide all guarantees of this library.

import assert from "node:assert/strict";
import { connect, createSockets } from "../../src/deno.ts";
import type { CloseInfo } from "../../src/public.ts";
import type { SocketsOptions } from "../../src/native/sockets.ts";
import { RawSocket } from "../support/raw_socket.ts";
import type { FrameParts } from "../support/vectors.ts";

const TEXT = 1;
const CLOSE = 8;
const PING = 9;

/** Starts a server. Returns it with a promise of its first connection's close info. */
function start(
  options: SocketsOptions<undefined>,
): AsyncDisposable & { readonly port: number; readonly ended: Promise<CloseInfo> } {
  const end = Promise.withResolvers<CloseInfo>();
  const sockets = createSockets({ ...options, close: (_, info) => end.resolve(info) });
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request, info) => sockets.handle(request, info) ?? new Response("plain"),
  );
  return {
    port: server.addr.port,
    ended: end.promise,
    async [Symbol.asyncDispose](): Promise<void> {
      await sockets.shutdown({ timeout: 0 });
      await server.shutdown();
    },
  };
}

Deno.test("close() in a handler sends a Close frame even if more messages have arrived", async () => {
  await using server = start({ message: (conn) => conn.close(4000, "enough") });
  const peer = await RawSocket.open({ port: server.port });
  await peer.upgrade();
  peer.send(...Array.from({ length: 50 }, (): FrameParts => ({ opcode: TEXT, payload: "x" })));
  const frame = await peer.frame();
  assert.equal(frame?.opcode, CLOSE);
  peer.send({ opcode: CLOSE, payload: frame.payload });
  peer.end();
  assert.equal((await server.ended).code, 4000);
});

Deno.test("maps the runtime's framing errors to error codes", async () => {
  const cases: [FrameParts, string, number][] = [
    [{ opcode: TEXT, payload: Uint8Array.of(0xff) }, "INVALID_UTF8", 1007],
    [{ opcode: TEXT, rsv: 2 }, "RESERVED_BITS", 1002],
    [{ opcode: 3 }, "RESERVED_OPCODE", 1002],
    [{ opcode: 0 }, "CONTINUATION_UNEXPECTED", 1002],
    [{ opcode: 9, payload: new Uint8Array(126) }, "CONTROL_FRAME_TOO_LONG", 1002],
    [{ opcode: CLOSE, payload: Uint8Array.of(3) }, "CLOSE_PAYLOAD_TOO_SHORT", 1002],
  ];
  for (const [frame, code, closeCode] of cases) {
    await using server = start({ message: () => {} });
    const peer = await RawSocket.open({ port: server.port });
    await peer.upgrade();
    peer.send(frame);
    const { error, code: told } = await server.ended;
    assert.deepEqual([(error as { code?: string }).code, told], [code, closeCode]);
    peer.end();
  }
});

Deno.test("reports a peer that does not answer the runtime's ping as PONG_TIMEOUT", async () => {
  await using server = start({ pingInterval: 1000 });
  const peer = await RawSocket.open({ port: server.port });
  await peer.upgrade();
  assert.equal((await peer.frame())?.opcode, PING);
  const { code, clean, initiator, error, received } = await server.ended;
  assert.deepEqual(
    [code, clean, initiator, (error as { code?: string }).code, received],
    [1006, false, "local", "PONG_TIMEOUT", undefined],
  );
  peer.end();
});

Deno.test("reports an unanswered close as unclean", async () => {
  await using server = start({ message: (conn) => conn.close(4000, "enough") });
  const peer = await RawSocket.open({ port: server.port });
  await peer.upgrade();
  peer.send({ opcode: TEXT, payload: "x" });
  assert.equal((await peer.frame())?.opcode, CLOSE);
  peer.end();
  const { code, clean, initiator, error, sent, received } = await server.ended;
  assert.deepEqual(
    [code, clean, initiator, (error as { code?: string }).code, sent, received],
    [1006, false, "local", "CONNECTION_LOST", 4000, undefined],
  );
});

Deno.test("sends a stream and the messages sent during it before the Close frame", async () => {
  const gate = Promise.withResolvers<void>();
  const sent: unknown[] = [];
  async function* source(): AsyncGenerator<string> {
    yield "first ";
    await gate.promise;
    yield "last";
  }
  await using server = start({
    async message(conn) {
      const sending = conn.sendStream(source());
      sent.push(conn.send("important"));
      conn.close();
      sent.push(conn.send("too late"));
      gate.resolve();
      sent.push(await sending);
    },
  });
  const conn = await connect(`ws://127.0.0.1:${server.port}/`);
  conn.send("go");
  const messages = [];
  for await (const message of conn) messages.push(message);
  assert.deepEqual(messages, ["first last", "important"]);
  assert.equal((await server.ended).clean, true);
  assert.deepEqual(sent, [true, false, true]);
});

Deno.test("cancels an endless source and does not block the event loop", async () => {
  let isCancelled = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield await Promise.resolve(new Uint8Array(100_000));
    } finally {
      isCancelled = true;
    }
  }
  await using server = start({
    maxBufferedAmount: 2_000_000,
    message: async (conn) => void await conn.sendStream(source()),
  });
  const conn = await connect(`ws://127.0.0.1:${server.port}/`);
  conn.send("go");
  const { code } = await conn.closed;
  const { error } = await server.ended;
  assert.deepEqual([code, (error as { code?: string }).code], [1011, "MEMORY_LIMIT"]);
  assert.equal(isCancelled, true);
});
