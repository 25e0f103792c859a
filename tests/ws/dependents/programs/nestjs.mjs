// @nestjs/platform-ws: a gateway with a message handler.

import "reflect-metadata";
import assert from "node:assert/strict";
import { Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { WsAdapter } from "@nestjs/platform-ws";
import { SubscribeMessage, WebSocketGateway } from "@nestjs/websockets";
import WebSocket from "ws";
import { assertQuickws, done, next } from "./support.mjs";

assertQuickws("@nestjs/platform-ws");
class Gateway {
  events(_client, data) {
    return { event: "events", data: data.toUpperCase() };
  }
}
// Applies decorators without a compiler.
const events = Object.getOwnPropertyDescriptor(Gateway.prototype, "events");
SubscribeMessage("events")(Gateway.prototype, "events", events);
WebSocketGateway({ path: "/gate" })(Gateway);
class App {}
Module({ providers: [Gateway] })(App);

const app = await NestFactory.create(App, { logger: ["error", "warn"] });
app.useWebSocketAdapter(new WsAdapter(app));
await app.listen(0, "127.0.0.1");
const { port } = app.getHttpServer().address();
const client = new WebSocket(`ws://127.0.0.1:${port}/gate`);
await next(client, "open");
client.send(JSON.stringify({ event: "events", data: "shout" }));
const [answer] = await next(client, "message");
assert.deepEqual(JSON.parse(String(answer)), { event: "events", data: "SHOUT" });
client.close();
await next(client, "close");
await app.close();
done();
