// Bun's own server, `Bun.serve`, which cannot send fragments; prints its port.

import { commandOf, FRAGMENTS } from "../conversation.ts";

/** The part of Bun that is used here. */
interface BunServe {
  serve(options: {
    hostname: string;
    port: number;
    fetch(request: Request, server: { upgrade(request: Request): boolean }): Response | undefined;
    websocket: {
      maxPayloadLength: number;
      message(socket: BunWebSocket, data: string | Uint8Array): void;
    };
  }): { port: number };
}

interface BunWebSocket {
  send(data: string | Uint8Array): number;
  close(code: number, reason: string): void;
}

const { Bun } = globalThis as unknown as { Bun: BunServe };

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request, server) => server.upgrade(request) ? undefined : new Response("no upgrade"),
  websocket: {
    maxPayloadLength: 16 << 20,
    message(socket, data) {
      const command = commandOf(data);
      if (command === "fragments") socket.send(FRAGMENTS.join(""));
      else if (command === "close") socket.close(4001, "as you wish");
      else socket.send(data);
    },
  },
});
// deno-lint-ignore no-console
console.log(server.port);
