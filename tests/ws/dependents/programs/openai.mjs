// openai: its realtime client, with a server that simulates the service.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:https";
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import { WebSocketServer } from "ws";
import { assertQuickws, done } from "./support.mjs";

assertQuickws("openai");
const server = createServer({ cert: process.env.CERT, key: process.env.KEY });
server.listen(0, "127.0.0.1");
await once(server, "listening");
const wss = new WebSocketServer({ server });
wss.on("connection", (socket, request) => {
  assert.match(request.headers.authorization, /^Bearer/);
  socket.send(JSON.stringify({ type: "session.created", session: { model: "m" } }));
  socket.on("message", (data) => {
    const { type, response } = JSON.parse(String(data));
    assert.equal(type, "response.create");
    socket.send(
      JSON.stringify({ type: "response.output_text.delta", delta: response.instructions }),
    );
  });
});
const { port } = server.address();
const openai = new OpenAI({ apiKey: "none", baseURL: `https://127.0.0.1:${port}/v1` });
const realtime = new OpenAIRealtimeWS(
  { model: "m", options: { rejectUnauthorized: false } },
  openai,
);
realtime.on("error", (error) => {
  throw error;
});
await new Promise((resolve) => realtime.on("session.created", resolve));
realtime.send({ type: "response.create", response: { instructions: "say this" } });
const { delta } = await new Promise((resolve) =>
  realtime.on("response.output_text.delta", resolve)
);
assert.equal(delta, "say this");
realtime.close();
done();
