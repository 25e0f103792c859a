// Opens connections over the global WebSocket, in pages, Workers and other bundles.

import type { ConnectOptions } from "../client/connect_options.ts";
import type { Connection } from "../connection/connection.ts";
import type { ReconnectingConnection } from "../reconnect/connection.ts";
import type { ReconnectingConnectOptions, ReconnectingUrl } from "../reconnect/connect.ts";
import type { ServeOptions } from "../server/serve_options.ts";
import type { Server } from "../server/serve.ts";
import { openInPage } from "./page_connection.ts";
import { pageRules } from "./page_options.ts";

/**
 * Opens a connection that reconnects; see `connect` of the main entry. No attempts are made while
 * the page is offline or in the back/forward cache; the next one is made immediately when it
 * returns.
 *
 * @param url A URL with `ws:` or `wss:`, or relative to the page's URL; or a function that returns
 * one or a promise of one, called for each attempt, for example to get a fresh token.
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
 *
 * @category Client
 */
export function connect<T = undefined>(
  url: ReconnectingUrl,
  options: ReconnectingConnectOptions<T>,
): Promise<ReconnectingConnection<T>>;
/**
 * Opens a connection; see `connect` of the main entry.
 *
 * @param url A URL with `ws:` or `wss:`, or relative to the page's URL.
 * @param options The handlers and the limits. Throws a `TypeError` for an option that a page cannot
 *   honor.
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
export async function connect<T>(
  url: ReconnectingUrl,
  options: ConnectOptions<T> | ReconnectingConnectOptions<T> = {},
): Promise<Connection<T> | ReconnectingConnection<T>> {
  if ((options as { reconnect?: unknown } | undefined)?.reconnect) {
    // Loaded only by pages that use it.
    return (await import("./page_reconnect.ts")).reconnectInPage(
      url,
      options as ReconnectingConnectOptions<T>,
    );
  }
  const handlers = options as ConnectOptions<T>;
  const opened = await openInPage(url as string, { rules: await pageRules(handlers), handlers });
  return opened as unknown as Connection<T>;
}

/**
 * Always rejects: pages and Workers cannot listen. Exported so that modules that import `serve`
 * from the main entry can be bundled.
 *
 * @throws {TypeError} Always; the promise rejects with it.
 *
 * @example
 * ```ts ignore
 * import { serve } from "@quickws/quickws/browser";
 *
 * await serve().catch((error) => console.log(error)); // TypeError: Cannot serve: ...
 * ```
 *
 * @category Server
 */
export function serve<T = undefined>(_options?: ServeOptions<T>): Promise<Server<T>> {
  return Promise.reject(
    new TypeError(
      "Cannot serve: this bundle is for a page or a Worker, which cannot listen; in a Worker use " +
        'createSockets of "@quickws/quickws/workers"',
    ),
  );
}
