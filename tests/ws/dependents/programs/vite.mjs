// vite: a quickws client receives an update from Vite's hot module replacement, which shares an
// HTTP server with a quickws server. (Vite bundles its own `ws`, which no override can replace.)

import assert from "node:assert/strict";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "vite";
import WebSocket, { WebSocketServer } from "ws";
import { done, listen, next } from "./support.mjs";

const root = await mkdtemp(join(tmpdir(), "vite-"));
await writeFile(join(root, "index.html"), '<script type="module" src="/main.js"></script>');
await writeFile(join(root, "main.js"), "export const version = 1;\n");
const { server, port } = await listen((request, response) => vite.middlewares(request, response));
const vite = await createServer({
  root,
  logLevel: "error",
  server: { middlewareMode: true, hmr: { server }, ws: undefined },
});
const chat = new WebSocketServer({ noServer: true });
chat.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
server.on("upgrade", (request, socket, head) => {
  if (request.url !== "/chat") return;
  chat.handleUpgrade(request, socket, head, (websocket) => {
    chat.emit("connection", websocket, request);
  });
});

const token = vite.config.webSocketToken;
const hmr = new WebSocket(`ws://127.0.0.1:${port}/?token=${token}`, "vite-hmr");
const messages = [];
let waiter;
hmr.on("message", (data) => {
  messages.push(JSON.parse(String(data)));
  waiter?.();
});
const received = async (type) => {
  for (;;) {
    if (messages.some((message) => message.type === type)) return;
    await new Promise((resolve) => waiter = resolve);
  }
};
await received("connected");
const page = await fetch(`http://127.0.0.1:${port}/main.js`);
assert.match(await page.text(), /version = 1/);
const talk = new WebSocket(`ws://127.0.0.1:${port}/chat`);
await next(talk, "open");
talk.send("beside it");
assert.equal(String((await next(talk, "message"))[0]), "beside it");
await writeFile(join(root, "main.js"), "export const version = 2;\n");
await received("full-reload");
hmr.close();
talk.close();
await vite.close();
done();
