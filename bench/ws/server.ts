// The measured program: an echo, a broadcast or socket.io, over `ws` or over ours. One line differs.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { Server as SocketIo } from "socket.io";

/** What a server of this benchmark is told. */
export interface WsServerSettings {
  /** Whose `WebSocketServer` it stands on. */
  readonly module: "ws" | "ours";
  /** What it does. */
  readonly program: "echo" | "broadcast" | "socket.io";
}

const { module, program }: WsServerSettings = JSON.parse(process.argv[2]!);

// The one line. On Bun the name "ws" is a module of Bun's own. Its types are those of ours.
const { WebSocketServer } = module === "ws"
  ? await import("ws") as unknown as typeof import("../../src/ws.ts")
  : await import("../../src/ws.ts");

const server = createServer();
if (program === "socket.io") {
  const io = new SocketIo(server, {
    wsEngine: WebSocketServer,
    transports: ["websocket"],
    pingInterval: 600_000,
    pingTimeout: 600_000,
  });
  io.on("connection", (socket) => {
    socket.on("m", (data) => socket.emit("m", data));
  });
} else {
  const wss = new WebSocketServer({ server, perMessageDeflate: false });
  wss.on("connection", (socket) => {
    socket.on("message", (data, isBinary) => {
      if (program === "echo") socket.send(data as Uint8Array, { binary: isBinary });
      else for (const client of wss.clients) client.send(data as Uint8Array, { binary: isBinary });
    });
  });
}
server.listen(0, "127.0.0.1", 65535, () => console.log((server.address() as AddressInfo).port));

// Asked before the memory is looked at.
process.on("SIGUSR2", () => (globalThis as { gc?: () => void }).gc?.());
