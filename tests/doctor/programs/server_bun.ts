// Runs Bun.serve. Prints its ports without and with compression.

import process from "node:process";

interface Socket {
  send(data: string | Uint8Array, compress?: boolean): number;
}

interface BunServe {
  serve(options: {
    hostname: string;
    port: number;
    fetch(request: Request, server: { upgrade(request: Request): boolean }): Response | undefined;
    websocket: {
      maxPayloadLength: number;
      perMessageDeflate: boolean;
      backpressureLimit: number;
      message(socket: Socket, data: string | Uint8Array): void;
    };
  }): { port: number };
}

const { Bun } = globalThis as unknown as { Bun: BunServe };

for (const perMessageDeflate of [false, true]) {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request, server) =>
      server.upgrade(request) ? undefined : new Response(null, { status: 426 }),
    websocket: {
      maxPayloadLength: 16 << 20,
      perMessageDeflate,
      backpressureLimit: 64 << 20,
      message(socket, data) {
        socket.send(data, perMessageDeflate);
      },
    },
  });
  process.stdout.write(`${server.port}\n`);
}
