/**
 * The client for pages and Workers: `connect` over the `WebSocket` that is there, with automatic
 * reconnection and topics. Bundles for browsers and for Workers get this entry for the main one.
 *
 * What a page cannot do, such as header fields or pings, is a `TypeError` that names the option.
 *
 * @example
 * ```ts ignore
 * import { connect } from "@quickws/quickws/browser";
 *
 * const conn = await connect("/live", { reconnect: { topics: true } });
 * await conn.subscribe("news", { message: (data) => console.log(data) });
 * ```
 *
 * @module
 */

import type { ConnectOptions } from "./client/connect_options.ts";
import type { Connection } from "./connection/connection.ts";
import { connectInPage } from "./native/page_connect.ts";
import type { ReconnectingConnection } from "./reconnect/reconnecting_connection.ts";
import type { ReconnectingConnectOptions } from "./reconnect/reconnecting_options.ts";
import type { ServeOptions } from "./server/serve_options.ts";
import type { Server } from "./server/server.ts";

export * from "./public.ts";

/**
 * Opens a connection that reconnects; see `connect` of the main entry. The page's network and its stay in
 * the back/forward cache are respected: while it is offline or away no attempt is made, and when it is
 * back one is made at once.
 *
 * @param url A URL with `ws:` or `wss:`, or one that is relative to the page's.
 * @param options As for a single connection, with `reconnect`. With `reconnect.topics` a heartbeat replaces
 * pings, with `pingInterval` and `pongTimeout`.
 *
 * @example
 * ```ts ignore
 * import { connect } from "@quickws/quickws/browser";
 *
 * const conn = await connect("/live", { reconnect: true, open: (conn) => conn.send("hello") });
 * for await (const data of conn) console.log(data);
 * ```
 */
export function connect<T = undefined>(
  url: string | URL,
  options: ReconnectingConnectOptions<T>,
): Promise<ReconnectingConnection<T>>;
/**
 * Opens a connection; see `connect` of the main entry.
 *
 * @param url A URL with `ws:` or `wss:`, or one that is relative to the page's.
 * @param options The handlers and the limits. An option that a page cannot honor is a `TypeError`.
 *
 * @example
 * ```ts ignore
 * import { connect } from "@quickws/quickws/browser";
 *
 * const conn = await connect("/live", { message: (_, data) => console.log(data) });
 * conn.send("hello");
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
  return connectInPage(url, options);
}

/**
 * Rejects: pages and Workers cannot listen. It is here so that a module that imports `serve` from the main
 * entry can be bundled.
 *
 * @throws {TypeError} Always; the promise rejects with it.
 */
export function serve<T = undefined>(_options?: ServeOptions<T>): Promise<Server<T>> {
  return Promise.reject(
    new TypeError(
      "Cannot serve: this bundle is for a page or a Worker, which cannot listen; in a Worker use " +
        'createSockets of "@quickws/quickws/workers"',
    ),
  );
}
