// y-websocket: two documents synchronize through its server.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import WebSocket, { WebSocketServer } from "ws";
import { assertQuickws, done, next } from "./support.mjs";

assertQuickws("y-websocket");
const require = createRequire(import.meta.url);
// There must be only one copy of Yjs: the CommonJS one, which the server loads.
const Y = require("yjs");
const { WebsocketProvider } = require("y-websocket");
const { setupWSConnection } = require("y-websocket/bin/utils");
const wss = new WebSocketServer({ port: 0 });
wss.on("connection", setupWSConnection);
await next(wss, "listening");
const url = `ws://127.0.0.1:${wss.address().port}`;
const documents = [new Y.Doc(), new Y.Doc()];
const providers = documents.map((document) =>
  new WebsocketProvider(url, "room", document, { WebSocketPolyfill: WebSocket, disableBc: true })
);
await Promise.all(
  providers.map((provider) => new Promise((resolve) => provider.once("sync", resolve))),
);
const arrived = new Promise((resolve) =>
  documents[1].getText("t").observe((event) => resolve(event.target.toString()))
);
documents[0].getText("t").insert(0, "shared");
assert.equal(await arrived, "shared");
for (const provider of providers) provider.destroy();
done();
