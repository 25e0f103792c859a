/**
 * The library bound to Bun: the same `connect` and `serve` as the main entry, over Bun.listen and Bun.connect,
 * without the detection of the runtime.
 *
 * @example
 * ```ts ignore
 * import { connect, serve } from "@quickws/quickws/bun";
 *
 * await using server = await serve({ port: 0, message: (conn, data) => conn.send(data) });
 * await using conn = await connect(server.url);
 * conn.send("hello");
 * ```
 *
 * @module
 */

import { type Connect, connectOn, type Serve, serveOn } from "./entry.ts";
import { BunSockets } from "./native/bun.ts";
import type { SocketsOptions } from "./native/sockets.ts";
import type { UpgradeDataOption } from "./server/upgrade_hook.ts";
import { bunNetwork } from "./transport/bun.ts";

export * from "./public.ts";
export type { BunServer, BunSockets, BunWebSocket, BunWebSocketHandlers } from "./native/bun.ts";
export type { NativeSockets, SocketsOptions } from "./native/sockets.ts";

/**
 * Starts a WebSocket server; see {@linkcode Serve}.
 *
 * @category Server
 */
export const serve: Serve = serveOn(bunNetwork);

/**
 * Opens a connection to a WebSocket server; see {@linkcode Connect}.
 *
 * @category Client
 */
export const connect: Connect = connectOn(bunNetwork);

/**
 * Creates WebSockets on the port of a `Bun.serve`: the same handlers, `Connection`, topics,
 * backplane and `shutdown` as with `serve`, over Bun's WebSockets.
 *
 * @throws {TypeError | RangeError} When an option is wrong, or Bun cannot honor it.
 *
 * @example
 * ```ts ignore
 * import { createSockets } from "@quickws/quickws/bun";
 *
 * const sockets = createSockets({ path: "/ws", message: (conn, data) => conn.send(data) });
 * Bun.serve({
 *   websocket: sockets.websocket,
 *   fetch: (request, server) => sockets.handle(request, server) ?? new Response("plain HTTP"),
 * });
 * ```
 *
 * @category Server
 */
export function createSockets<T = undefined>(
  options?: SocketsOptions<T> & UpgradeDataOption<T>,
): BunSockets<T> {
  return new BunSockets<T>(options ?? {});
}
