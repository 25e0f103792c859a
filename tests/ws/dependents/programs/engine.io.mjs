// engine.io: a server and a client over WebSocket only, with text and bytes in both directions.

import assert from "node:assert/strict";
import { Server } from "engine.io";
import { Socket } from "engine.io-client";
import { assertQuickws, done, listen, next } from "./support.mjs";

assertQuickws("engine.io");
assertQuickws("engine.io-client");
const { server, port } = await listen();
const engine = new Server({ perMessageDeflate: { threshold: 10 } });
engine.attach(server);
engine.on("connection", (socket) => {
  assert.equal(socket.transport.name, "websocket");
  socket.on("message", (data) => socket.send(data));
});
const client = new Socket(`ws://127.0.0.1:${port}`, { transports: ["websocket"] });
await next(client, "open");
for (const data of ["text", "long text ".repeat(1000), Buffer.from([1, 2, 3])]) {
  const answer = next(client, "message");
  client.send(data);
  assert.deepEqual((await answer)[0], data);
}
const closed = next(client, "close");
client.close();
await closed;
done();
