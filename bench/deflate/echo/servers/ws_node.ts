// A peer on Node: the npm package ws, with compression: ws_node.ts <takeover>

import type { AddressInfo } from "node:net";
import process from "node:process";
import { WebSocketServer } from "ws";

const alone = process.argv[2] !== "true";

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: 0,
  perMessageDeflate: {
    threshold: 0,
    serverNoContextTakeover: alone,
    clientNoContextTakeover: alone,
  },
}, () => {
  console.log((server.address() as AddressInfo).port);
});
server.on("connection", (socket) => {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
});
