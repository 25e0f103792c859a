// A peer on Bun: `Bun.serve`.

import { settings } from "./settings.ts";

interface Socket {
  send(data: string | Uint8Array, compress?: boolean): number;
  subscribe(topic: string): void;
}

interface BunServer {
  port: number;
  upgrade(request: Request): boolean;
  publish(topic: string, data: string | Uint8Array, compress?: boolean): number;
}

declare const Bun: {
  serve(options: {
    hostname: string;
    port: number;
    fetch(request: Request, server: BunServer): Response | undefined;
    websocket: {
      perMessageDeflate: false | { compress: string; decompress: string };
      backpressureLimit: number;
      idleTimeout: number;
      open(socket: Socket): void;
      message(socket: Socket, data: string | Uint8Array): void;
    };
  }): BunServer;
};

const { broadcast, burst = 1, compression } = settings;
const compressed = compression !== undefined;
const compressor = compression === "takeover" ? "dedicated" : "shared";

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, server) {
    return server.upgrade(request) ? undefined : new Response(null, { status: 426 });
  },
  websocket: {
    perMessageDeflate: compressed && { compress: compressor, decompress: compressor },
    backpressureLimit: 1 << 30,
    idleTimeout: 0,
    open(socket) {
      if (broadcast) socket.subscribe("all");
    },
    message(socket, data) {
      if (!broadcast) return void socket.send(data, compressed);
      for (let count = 0; count < burst; count++) server.publish("all", data, compressed);
    },
  },
});
console.log(server.port);
