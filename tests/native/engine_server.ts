// Runs engine_app.ts on Bun.serve or Deno.serve, in a separate process. Prints its port.

import type { BunServer, BunWebSocket } from "../../src/native/bun.ts";
import type { NativeDriver } from "../../src/native/driver.ts";
import { answer, createSockets, disconnects, options } from "./engine_app.ts";

/** The part of Bun's API that is used here. */
interface BunApi {
  serve(options: object): BunServer & { port: number };
}

const http = { hostname: "127.0.0.1", port: 0 };

if ("Bun" in globalThis) {
  const sockets = createSockets.bun(options);
  const server = (globalThis as unknown as { Bun: BunApi }).Bun.serve({
    ...http,
    websocket: {
      ...sockets.websocket,
      open(socket: BunWebSocket): void {
        sockets.websocket.open(socket);
        const { connection } = socket.data as NativeDriver<string, BunWebSocket>;
        disconnects.set(connection.data, () => socket.terminate());
      },
    },
    fetch: (request: Request, server: BunServer) => answer(sockets, request, server),
  });
  console.log(`port ${server.port}`);
} else {
  const sockets = createSockets.deno(options);
  const onListen = ({ port }: { port: number }): void => console.log(`port ${port}`);
  Deno.serve({ ...http, onListen }, async (request, info) => {
    return (await answer(sockets, request, info))!;
  });
}
