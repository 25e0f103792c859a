// Implements `serve` on the runtime's own WebSockets (Bun.serve, Deno.serve), so that the behavior
// suites can test them as well.

import type { ServeOptions, Server, UpgradeDataOption } from "../../mod.ts";
import type { BunServer, BunSockets } from "../../src/native/bun.ts";
import type { DenoServeSockets } from "../../src/native/deno.ts";

/** The part of Bun that starts a server. */
interface BunApi {
  serve(options: object): BunServer & { port: number; stop(closeAll?: boolean): void };
}

/**
 * Options that `serve` has checked: if the type of `data` needs an `upgrade` hook, there is one.
 */
type WithUpgrade<T> = ServeOptions<T> & UpgradeDataOption<T>;

/** Options that are passed to the runtime's HTTP server. */
type HttpOptions<T> = Pick<ServeOptions<T>, "hostname" | "port" | "fetch">;

/** Starts an HTTP server of this runtime that upgrades requests with `createSockets`. */
export async function serveNatively<T>(options: ServeOptions<T>): Promise<Server<T>> {
  const { hostname = "127.0.0.1", port = 0, fetch, ...others } = options;
  const http = { hostname, port, fetch };
  return "Bun" in globalThis ? await onBun(http, others) : await onDeno(http, others);
}

async function onBun<T>(
  { hostname, port, fetch }: HttpOptions<T>,
  options: ServeOptions<T>,
): Promise<Server<T>> {
  const { createSockets } = await import("../../src/bun.ts");
  const sockets: BunSockets<T> = createSockets<T>(options as WithUpgrade<T>);
  const server = (globalThis as unknown as { Bun: BunApi }).Bun.serve({
    hostname,
    port,
    websocket: sockets.websocket,
    fetch: (request: Request, server: BunServer) =>
      sockets.handle(request, server) ?? fetch?.(request) ?? upgradeRequired(),
  });
  return asServer(sockets, hostname!, server.port, () => server.stop());
}

async function onDeno<T>(
  { hostname, port, fetch }: HttpOptions<T>,
  options: ServeOptions<T>,
): Promise<Server<T>> {
  const { createSockets } = await import("../../src/deno.ts");
  const sockets: DenoServeSockets<T> = createSockets<T>(options as WithUpgrade<T>);
  const server = Deno.serve(
    { hostname, port, onListen: () => {} },
    (request, info) => sockets.handle(request, info) ?? fetch?.(request) ?? upgradeRequired(),
  );
  return asServer(
    sockets,
    hostname!,
    server.addr.port,
    // `shutdown` waits for the connections, which are closed next.
    () => void server.shutdown(),
  );
}

function upgradeRequired(): Response {
  return new Response("WebSocket only\n", { status: 426, headers: { upgrade: "websocket" } });
}

/** Adapts sockets to the `Server` interface: adds an address, and `shutdown` releases the port. */
function asServer<T>(
  sockets: BunSockets<T> | DenoServeSockets<T>,
  hostname: string,
  port: number,
  stop: () => void,
): Server<T> {
  const shutdown = sockets.shutdown.bind(sockets);
  sockets.finished.then(stop);
  return Object.assign(sockets, {
    hostname,
    port,
    url: `ws://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}/`,
    shutdown,
  }) as unknown as Server<T>;
}
