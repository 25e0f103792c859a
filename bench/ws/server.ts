// The measured program: an echo, a broadcast or socket.io, on `ws` or on this library.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { Server as SocketIo } from "socket.io";

/** The settings of the server. */
export interface WsServerSettings {
  /** The module that provides `WebSocketServer`. */
  readonly module: "ws" | "quickws/ws";
  /** The program to run. */
  readonly program: "echo" | "broadcast" | "socket.io";
}

const { module, program }: WsServerSettings = JSON.parse(process.argv[2]!);

// Only this line differs. On Bun, "ws" is a built-in module. Both use this library's types.
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

// The load generator requests a garbage collection before it reads the memory.
const { gc, Bun } = globalThis as { gc?: () => void; Bun?: { gc(isSync: boolean): void } };
process.on("SIGUSR2", () => Bun === undefined ? gc?.() : Bun.gc(true));
