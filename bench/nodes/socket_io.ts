// A peer on Node: socket.io with its Redis adapter, over WebSocket only.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";
import { settings } from "./settings.ts";

const publisher = createClient({ url: settings.url });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);

const http = createServer();
const server = new Server(http, {
  transports: ["websocket"],
  serveClient: false,
  adapter: createAdapter(publisher, subscriber),
});
server.on("connection", (socket) => {
  socket.join("all");
  socket.on("all", (text) => server.to("all").emit("all", text));
});
http.listen(0, "127.0.0.1", () => console.log((http.address() as AddressInfo).port));
