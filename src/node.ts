/**
 * The library bound to Node: the same `connect` and `serve` as the main entry, over node:net and node:tls,
 * with no search for the runtime.
 *
 * @example
 * ```ts ignore
 * import { connect, serve } from "@quickws/quickws/node";
 *
 * await using server = await serve({ port: 0, message: (conn, data) => conn.send(data) });
 * await using conn = await connect(server.url);
 * conn.send("hello");
 * ```
 *
 * @module
 */

import type { ConnectOptions } from "./socket/connect_options.ts";
import type { Connection } from "./socket/connection.ts";
import { connectOver } from "./socket/connect.ts";
import type { ServeOptions } from "./socket/serve_options.ts";
import { serveOver } from "./socket/serve.ts";
import type { Server } from "./socket/server.ts";
import { nodeNetwork } from "./transport/node.ts";

export * from "./public.ts";

/** Starts a WebSocket server; see `serve` of the main entry. */
export function serve<T = undefined>(options: ServeOptions<T> = {}): Promise<Server<T>> {
  return serveOver(nodeNetwork, options);
}

/** Opens a connection to a WebSocket server; see `connect` of the main entry. */
export function connect<T = undefined>(
  url: string | URL,
  options: ConnectOptions<T> = {},
): Promise<Connection<T>> {
  return connectOver(nodeNetwork, url, options);
}
