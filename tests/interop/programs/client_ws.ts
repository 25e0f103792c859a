// The client of the npm package `ws`: client_ws.ts <url>

import process from "node:process";
import { WebSocket } from "ws";
import { converse, type InteropClient, Received } from "../conversation.ts";

function open(): Promise<InteropClient> {
  const received = new Received();
  const pongs = new Received();
  const socket = new WebSocket(process.argv[2]!);
  socket.on("message", (data: Uint8Array, isBinary) => {
    received.push(isBinary ? new Uint8Array(data) : new TextDecoder().decode(data));
  });
  socket.on("pong", (payload) => pongs.push(payload));
  const client: InteropClient = {
    send: (message) => socket.send(message),
    sendFragments(pieces) {
      pieces.forEach((piece, i) => socket.send(piece, { fin: i === pieces.length - 1 }));
    },
    async ping() {
      socket.ping("are you there?");
      await pongs.next();
    },
    receive: () => received.next(),
    close: (code, reason) => socket.close(code, reason),
    closed: new Promise((resolve) => {
      socket.on("close", (code, reason) => {
        resolve({ code, reason: new TextDecoder().decode(reason), clean: code !== 1006 });
      });
    }),
  };
  return new Promise((resolve, reject) => {
    socket.on("open", () => resolve(client));
    socket.on("error", reject);
  });
}

await converse(open);
