// A peer on Bun: `Bun.serve`, with a shared or a dedicated compressor: serve_bun.ts <mode>

import process from "node:process";

interface Socket {
  send(data: string | Uint8Array, compress: boolean): number;
}

declare const Bun: {
  serve(options: {
    hostname: string;
    port: number;
    fetch(request: Request, server: { upgrade(request: Request): boolean }): Response | undefined;
    websocket: {
      perMessageDeflate: false | { compress: string; decompress: string };
      message(socket: Socket, data: string | Uint8Array): void;
    };
  }): { port: number };
};

const mode = process.argv[2];
const compressor = mode === "takeover" ? "dedicated" : "shared";

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, server) {
    return server.upgrade(request) ? undefined : new Response(null, { status: 426 });
  },
  websocket: {
    perMessageDeflate: mode !== "off" && { compress: compressor, decompress: compressor },
    message(socket, data) {
      socket.send(data, true);
    },
  },
});
console.log(server.port);
