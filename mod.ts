/**
 * WebSockets for Deno, Bun and Node: a server and a client, complete (RFC 6455) and fast.
 *
 * This entry finds the runtime itself and loads only that runtime's sockets. `./deno`, `./bun` and
 * `./node` are the same without the search, and `./core` has the pure parts, bytes in and bytes out.
 *
 * @example An echo server, and a client that talks to it
 * ```ts
 * import { connect, serve } from "@quickws/quickws";
 *
 * await using server = await serve({
 *   port: 0,
 *   message(conn, data) {
 *     conn.send(data);
 *   },
 * });
 *
 * const conn = await connect(server.url);
 * conn.send("hello");
 * for await (const data of conn) {
 *   console.log(data); // hello
 *   conn.close();
 * }
 * ```
 *
 * @module
 */

import type { ConnectOptions } from "./src/client/connect_options.ts";
import type { Connection } from "./src/connection/connection.ts";
import { connectTo } from "./src/reconnect/connect_to.ts";
import type { ReconnectingConnection } from "./src/reconnect/reconnecting_connection.ts";
import type { ReconnectingConnectOptions } from "./src/reconnect/reconnecting_options.ts";
import type { ServeOptions } from "./src/server/serve_options.ts";
import { serveOver } from "./src/server/serve.ts";
import type { Server } from "./src/server/server.ts";
import { runtimeNetwork } from "./src/transport/runtime.ts";

export * from "./src/public.ts";

/**
 * Starts a WebSocket server.
 *
 * @param options Where to listen, the handlers, the limits. Everything has a default.
 * @returns The server, once it is listening. Rejects with a `TypeError` or `RangeError` for a wrong
 * option, and with the runtime's own error when it cannot listen.
 *
 * @example
 * ```ts
 * import { serve } from "@quickws/quickws";
 *
 * await using server = await serve({
 *   port: 0,
 *   message(conn, data) {
 *     conn.send(data);
 *   },
 * });
 * console.log(server.url); // ws://127.0.0.1:...
 * ```
 */
export async function serve<T = undefined>(options: ServeOptions<T> = {}): Promise<Server<T>> {
  return serveOver(await runtimeNetwork(), options);
}

/**
 * Opens a connection that comes back when it is lost.
 *
 * @param url Where to: `ws://host:port/path`, or `wss://` for TLS.
 * @param options As for a single connection, with `reconnect`: how it comes back.
 * @returns The connection, once it is open for the first time; that is tried by the same rules. Rejects
 * with what the last attempt failed with when it gives up, and otherwise as for a single connection.
 *
 * @example
 * ```ts
 * import { connect, serve } from "@quickws/quickws";
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
 * Opens a connection to a WebSocket server.
 *
 * @param url Where to: `ws://host:port/path`, or `wss://` for TLS.
 * @param options The handlers, the limits, header fields. Everything has a default.
 * @returns The connection, once it is open. Rejects with a `TypeError` or `RangeError` for a wrong
 * option, a `ConnectionError` when the server cannot be reached, a `HandshakeError` when it refuses,
 * a `TimeoutError` when it takes too long, and with the signal's reason when that aborts.
 *
 * @example
 * ```ts
 * import { connect, serve } from "@quickws/quickws";
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
export async function connect<T>(
  url: string | URL,
  options: ConnectOptions<T> | ReconnectingConnectOptions<T> = {},
): Promise<Connection<T> | ReconnectingConnection<T>> {
  return connectTo(await runtimeNetwork(), url, options);
}
