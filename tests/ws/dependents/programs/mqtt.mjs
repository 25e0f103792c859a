// mqtt: a client that publishes to itself through a broker over `createWebSocketStream`.

import assert from "node:assert/strict";
import { Aedes } from "aedes";
import mqtt from "mqtt";
import { createWebSocketStream, WebSocketServer } from "ws";
import { assertQuickws, done, listen } from "./support.mjs";

assertQuickws("mqtt");
const { server, port } = await listen();
const broker = await Aedes.createBroker();
const wss = new WebSocketServer({ server });
wss.on("connection", (websocket, request) => {
  assert.equal(websocket.protocol, "mqtt");
  broker.handle(createWebSocketStream(websocket), request);
});
const client = await mqtt.connectAsync(`ws://127.0.0.1:${port}/mqtt`);
await client.subscribeAsync("a/#");
const came = new Promise((resolve) => {
  const messages = [];
  client.on("message", (topic, payload) => {
    if (messages.push([topic, payload.length]) === 2) resolve(messages);
  });
});
await client.publishAsync("a/b", "small", { qos: 1 });
await client.publishAsync("a/c", Buffer.alloc(300_000, 1), { qos: 1 });
assert.deepEqual(await came, [["a/b", 5], ["a/c", 300_000]]);
await client.endAsync();
done();
