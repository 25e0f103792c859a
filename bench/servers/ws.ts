// A peer on Node: the npm package ws. It uses bufferutil unless WS_NO_BUFFER_UTIL is set.

import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { settings } from "./settings.ts";

const { broadcast, burst = 1, compression, strings } = settings;
const alone = compression === "alone";

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: 0,
  perMessageDeflate: compression !== undefined && {
    threshold: 0,
    serverNoContextTakeover: alone,
    clientNoContextTakeover: alone,
  },
}, () => {
  console.log((server.address() as AddressInfo).port);
});
server.on("connection", (socket) => {
  socket.on("message", (data, binary) => {
    const message = binary || !strings ? data : String(data);
    if (!broadcast) return socket.send(message, { binary });
    for (let count = 0; count < burst; count++) {
      for (const client of server.clients) client.send(message, { binary });
    }
  });
});
