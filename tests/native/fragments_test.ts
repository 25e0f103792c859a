// Messages that the user sends in fragments over Deno.serve, which sends whole messages only.

import assert from "node:assert/strict";
import { connect, createSockets, Opcode } from "../../src/deno.ts";

const SIZE = 100;

Deno.test("a fragment asks for no wait while its message, which leaves only as a whole, is gathered", async () => {
  const accepted: boolean[] = [];
  const sockets = createSockets({
    highWaterMark: SIZE,
    open: async (conn) => {
      for (let i = 0; i < 4; i++) {
        accepted.push(conn.sendFragment(Opcode.Binary, new Uint8Array(SIZE)));
        await conn.drained();
      }
      conn.sendFragment(Opcode.Continuation, new Uint8Array(SIZE), { fin: true });
    },
  });
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request, info) => sockets.handle(request, info) ?? new Response("plain"),
  );
  const conn = await connect(`ws://127.0.0.1:${server.addr.port}/`);
  const { value } = await conn[Symbol.asyncIterator]().next();
  assert.equal(value?.length, 5 * SIZE);
  assert.deepEqual(accepted, [true, true, true, true]);
  conn.close();
  await sockets.shutdown();
});
