// The client of the npm package `ws`: client_ws.ts <conversations>

import process from "node:process";
import { type PerMessageDeflateOptions, WebSocket } from "ws";
import { type InteropClient, Received, runConversations } from "../conversation.ts";

function open(url: string, perMessageDeflate: PerMessageDeflateOptions): Promise<InteropClient> {
  const received = new Received();
  const pongs = new Received();
  const socket = new WebSocket(url, { perMessageDeflate });
  socket.on("message", (data: Uint8Array, isBinary) => {
    received.push(isBinary ? new Uint8Array(data) : new TextDecoder().decode(data));
  });
  socket.on("pong", (payload) => pongs.push(payload));
  // The property `extensions` of `ws` contains only the names.
  let extensions = "";
  socket.on("upgrade", ({ headers }) => extensions = headers["sec-websocket-extensions"] ?? "");
  const client: InteropClient = {
    get extensions() {
      return extensions;
    },
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

const windows = { serverMaxWindowBits: 9, clientMaxWindowBits: 9 };

await runConversations(process.argv[2]!, ({ url, mode }) => {
  return open(url, { threshold: 0, ...(mode === "windows" ? windows : {}) });
});
