// The server of the npm package `ws`. Prints a port for each compression mode in its arguments.

import type { AddressInfo } from "node:net";
import process from "node:process";
import { type PerMessageDeflateOptions, WebSocketServer } from "ws";
import { commandOf, FRAGMENTS } from "../conversation.ts";

function start(perMessageDeflate: boolean | PerMessageDeflateOptions): Promise<void> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate });
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
  return new Promise((resolve) => {
    server.on("listening", () => {
      // deno-lint-ignore no-console
      console.log((server.address() as AddressInfo).port);
      resolve();
    });
  });
}

for (const mode of process.argv.slice(2)) await start(mode !== "off" && { threshold: 0 });
