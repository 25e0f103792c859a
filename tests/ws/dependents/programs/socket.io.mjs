// socket.io: upgraded connections, rooms, acknowledgements, bytes and broadcasts, with its
// dependency `ws` and with `wsEngine`.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { Server } from "socket.io";
import { io } from "socket.io-client";
import { assertQuickws, done, listen } from "./support.mjs";

assertQuickws("socket.io-adapter");
const { WebSocketServer } = createRequire(import.meta.url)("ws");

for (const options of [{}, { perMessageDeflate: true }, { wsEngine: WebSocketServer }]) {
  const { server, port } = await listen();
  const ioServer = new Server(server, options);
  ioServer.on("connection", (socket) => {
    socket.on("join", (room, joined) => (socket.join(room), joined(room)));
    socket.on("echo", (data, answer) => answer(data));
    socket.on("message", (room, ...data) => ioServer.to(room).emit("delivered", ...data));
  });
  const clients = [];
  for (const transports of [["websocket"], ["polling", "websocket"], ["websocket"]]) {
    const client = io(`http://127.0.0.1:${port}`, { transports, forceNew: true });
    await new Promise((resolve, reject) => {
      client.on("connect", resolve);
      client.on("connect_error", reject);
    });
    if (client.io.engine.transport.name !== "websocket") {
      await new Promise((resolve) => client.io.engine.once("upgrade", resolve));
    }
    assert.equal(await client.emitWithAck("join", "room"), "room");
    clients.push(client);
  }
  for (const data of ["text", { a: [1, 2] }, Buffer.from([1, 2, 3])]) {
    assert.deepEqual(await clients[0].emitWithAck("echo", data), data);
    const delivered = clients.map((client) => new Promise((resolve) => client.once("delivered", resolve)));
    clients[1].emit("message", "room", data);
    for (const received of await Promise.all(delivered)) assert.deepEqual(received, data);
  }
  for (const client of clients) client.close();
  await ioServer.close();
}
done();
