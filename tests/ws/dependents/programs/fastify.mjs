// @fastify/websocket: a route, and `injectWS`, which tests one.

import assert from "node:assert/strict";
import websocket from "@fastify/websocket";
import Fastify from "fastify";
import WebSocket from "ws";
import { assertQuickws, done, next } from "./support.mjs";

assertQuickws("@fastify/websocket");
const app = Fastify();
await app.register(websocket, { options: { maxPayload: 1000 } });
app.get("/echo", { websocket: true }, (socket, request) => {
  socket.on("message", (data) => socket.send(`${request.query.name} ${data}`));
});
await app.listen({ port: 0, host: "127.0.0.1" });
const { port } = app.server.address();
const client = new WebSocket(`ws://127.0.0.1:${port}/echo?name=me`);
await next(client, "open");
client.send("hello");
assert.equal(String((await next(client, "message"))[0]), "me hello");
const closed = next(client, "close");
client.send("x".repeat(1001));
assert.equal((await closed)[0], 1009);
const missing = new WebSocket(`ws://127.0.0.1:${port}/nowhere`);
assert.match((await next(missing, "error"))[0].message, /404/);
const injected = await app.injectWS("/echo?name=injected");
injected.send("hello");
assert.equal(String((await next(injected, "message"))[0]), "injected hello");
injected.terminate();
await app.close();
done();
