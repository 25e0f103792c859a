// Bun's own server, `Bun.serve`, which cannot send fragments. Prints a port for each compression
// mode in its arguments.

import process from "node:process";
import { commandOf, FRAGMENTS } from "../conversation.ts";

/** The part of Bun that is used here. */
interface BunServe {
  serve(options: {
    hostname: string;
    port: number;
    fetch(request: Request, server: { upgrade(request: Request): boolean }): Response | undefined;
    websocket: {
      maxPayloadLength: number;
      perMessageDeflate: boolean | { compress: string; decompress: string };
      message(socket: BunWebSocket, data: string | Uint8Array): void;
    };
  }): { port: number };
}

interface BunWebSocket {
  send(data: string | Uint8Array, compress?: boolean): number;
  close(code: number, reason: string): void;
}

const { Bun } = globalThis as unknown as { Bun: BunServe };

/** One compressor per connection, or a shared one. */
const COMPRESSORS = {
  off: false,
  alone: { compress: "shared", decompress: "shared" },
  takeover: { compress: "dedicated", decompress: "dedicated" },
  windows: { compress: "4KB", decompress: "4KB" },
};

function start(perMessageDeflate: boolean | { compress: string; decompress: string }): void {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request, server) => server.upgrade(request) ? undefined : new Response("no upgrade"),
    websocket: {
      maxPayloadLength: 16 << 20,
      perMessageDeflate,
      message(socket, data) {
        const command = commandOf(data);
        if (command === "fragments") socket.send(FRAGMENTS.join(""), true);
        else if (command === "close") socket.close(4001, "as you wish");
        else socket.send(data, true);
      },
    },
  });
  // deno-lint-ignore no-console
  console.log(server.port);
}

for (const mode of process.argv.slice(2)) start(COMPRESSORS[mode as keyof typeof COMPRESSORS]);
