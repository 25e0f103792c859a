// Runs the server of the npm package ws. Prints its ports without and with compression.

import type { AddressInfo } from "node:net";
import process from "node:process";
import { WebSocketServer } from "ws";

/** Case 9.3.1 sends 65,536 fragments, more than the default limit. */
const options = { host: "127.0.0.1", port: 0, maxPayload: 16 << 20, maxFragments: 100_000 };

for (const perMessageDeflate of [false, true]) {
  const server = new WebSocketServer({ ...options, perMessageDeflate });
  await new Promise((resolve) => server.once("listening", resolve));
  server.on("connection", (socket) => {
    socket.on("error", () => {});
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
}
