// The server of the npm package `ws`; prints its port.

import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { commandOf, FRAGMENTS } from "../conversation.ts";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
server.on("connection", (socket) => {
  socket.on("message", (data: Uint8Array, isBinary) => {
    const command = commandOf(isBinary ? undefined : new TextDecoder().decode(data));
    if (command === "fragments") {
      FRAGMENTS.forEach((piece, i) => socket.send(piece, { fin: i === FRAGMENTS.length - 1 }));
    } else if (command === "close") {
      socket.close(4001, "as you wish");
    } else {
      socket.send(data, { binary: isBinary });
    }
  });
});
server.on("listening", () => {
  // deno-lint-ignore no-console
  console.log((server.address() as AddressInfo).port);
});
