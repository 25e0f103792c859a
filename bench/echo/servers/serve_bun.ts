// A peer on Bun: its own server.

interface Socket {
  send(data: string | Uint8Array): number;
}

declare const Bun: {
  serve(options: {
    hostname: string;
    port: number;
    fetch(request: Request, server: { upgrade(request: Request): boolean }): Response | undefined;
    websocket: { message(socket: Socket, data: string | Uint8Array): void };
  }): { port: number };
};

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, server) {
    return server.upgrade(request) ? undefined : new Response(null, { status: 426 });
  },
  websocket: {
    message(socket, data) {
      socket.send(data);
    },
  },
});
console.log(server.port);
