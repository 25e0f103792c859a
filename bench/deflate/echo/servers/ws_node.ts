// A peer on Node: the npm package ws, ws_node.ts <mode>

import type { AddressInfo } from "node:net";
import process from "node:process";
import { WebSocketServer } from "ws";

const mode = process.argv[2];
const alone = mode === "alone";

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: 0,
  perMessageDeflate: mode !== "off" && {
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
