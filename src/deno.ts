/**
 * The library bound to Deno: the same `connect` and `serve` as the main entry, over Deno.listen and Deno.connect,
 * with no search for the runtime.
 *
 * @example
 * ```ts
 * import { connect, serve } from "@quickws/quickws/deno";
 *
 * await using server = await serve({ port: 0, message: (conn, data) => conn.send(data) });
 * await using conn = await connect(server.url);
 * conn.send("hello");
 * ```
 *
 * @module
 */

import type { ConnectOptions } from "./client/connect_options.ts";
import type { Connection } from "./connection/connection.ts";
import { connectTo } from "./reconnect/connect_to.ts";
import type { ReconnectingConnection } from "./reconnect/reconnecting_connection.ts";
import type { ReconnectingConnectOptions } from "./reconnect/reconnecting_options.ts";
import type { ServeOptions } from "./server/serve_options.ts";
import { serveOver } from "./server/serve.ts";
import type { Server } from "./server/server.ts";
import { DenoServeSockets } from "./native/deno.ts";
import type { SocketsOptions } from "./native/sockets.ts";
import { denoNetwork } from "./transport/deno.ts";

export * from "./public.ts";
export type { DenoRequestInfo, DenoServeSockets } from "./native/deno.ts";
export type { WebSocketEvent, WebSocketLike } from "./native/web_socket.ts";
export type { NativeSockets, SocketsOptions } from "./native/sockets.ts";

/**
 * Starts a WebSocket server; see `serve` of the main entry.
 *
 * @example
 * ```ts
 * import { serve } from "@quickws/quickws/deno";
 *
 * await using server = await serve({ port: 0, message: (conn, data) => conn.send(data) });
 * console.log(server.url); // ws://127.0.0.1:...
 * ```
 */
export function serve<T = undefined>(options: ServeOptions<T> = {}): Promise<Server<T>> {
  return serveOver(denoNetwork, options);
}

/**
 * Opens a connection that comes back when it is lost; see `connect` of the main entry.
 *
 * @example
 * ```ts
 * import { connect, serve } from "@quickws/quickws/deno";
 *
 * await using server = await serve({ port: 0, open: (conn) => conn.send("welcome") });
 * await using conn = await connect(server.url, { reconnect: true });
 * for await (const data of conn) {
 *   console.log(data); // welcome
 *   break;
 * }
 * ```
 */
export function connect<T = undefined>(
  url: string | URL,
  options: ReconnectingConnectOptions<T>,
): Promise<ReconnectingConnection<T>>;
/**
 * Opens a connection to a WebSocket server; see `connect` of the main entry.
 *
 * @example
 * ```ts
 * import { connect, serve } from "@quickws/quickws/deno";
 *
 * await using server = await serve({ port: 0, open: (conn) => conn.send("welcome") });
 * await using conn = await connect(server.url);
 * for await (const data of conn) {
 *   console.log(data); // welcome
 *   break;
 * }
 * ```
 */
export function connect<T = undefined>(
  url: string | URL,
  options?: ConnectOptions<T>,
): Promise<Connection<T>>;
export function connect<T>(
  url: string | URL,
  options: ConnectOptions<T> | ReconnectingConnectOptions<T> = {},
): Promise<Connection<T> | ReconnectingConnection<T>> {
  return connectTo(denoNetwork, url, options);
}

/**
 * Makes WebSockets for the port of a `Deno.serve`: the same handlers, `Connection`, topics, backplane and
 * `shutdown` as `serve` has, over the WebSockets of Deno. An option that Deno cannot honor is a
 * `TypeError`.
 *
 * @throws {TypeError | RangeError} When an option is wrong, or one that Deno cannot honor.
 *
 * @example
 * ```ts ignore
 * import { createSockets } from "@quickws/quickws/deno";
 *
 * const sockets = createSockets({ path: "/ws", message: (conn, data) => conn.send(data) });
 * Deno.serve((request, info) => sockets.handle(request, info) ?? new Response("plain HTTP"));
 * ```
 */
export function createSockets<T = undefined>(
  options: SocketsOptions<T> = {},
): DenoServeSockets<T> {
  return new DenoServeSockets<T>(options);
}
