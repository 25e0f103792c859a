// Opens connections over the global WebSocket: in pages, in Workers, wherever a bundle runs.

import type { ConnectOptions } from "../client/connect_options.ts";
import type { Connection } from "../connection/connection.ts";
import type { ReconnectingConnection } from "../reconnect/connection.ts";
import type { ReconnectingConnectOptions } from "../reconnect/connect.ts";
import type { ServeOptions } from "../server/serve_options.ts";
import type { Server } from "../server/serve.ts";
import { logError } from "../shared/log.ts";
import type { PageUse } from "./page_connection.ts";
import { openInPage, targetOf } from "./page_open.ts";
import { pageRules } from "./page_options.ts";

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
 *
 * @category Client
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
export async function connect<T>(
  url: string | URL,
  options: ConnectOptions<T> | ReconnectingConnectOptions<T> = {},
): Promise<Connection<T> | ReconnectingConnection<T>> {
  const { reconnect }: { reconnect?: unknown } = options;
  if (reconnect !== undefined && reconnect !== false) {
    // A page that does without it need not load it.
    const { reconnectInPage } = await import("./page_reconnect.ts");
    return reconnectInPage(url, options as ReconnectingConnectOptions<T>);
  }
  const single = options as ConnectOptions<T>;
  const rules = await pageRules(single);
  const { onError = logError } = single as { onError?: PageUse<T>["onError"] };
  const use = { rules, handlers: single, onError };
  const opened = await openInPage(targetOf(url), use, single.data as T, single.signal);
  return opened as unknown as Connection<T>;
}

/**
 * Rejects: pages and Workers cannot listen. It is here so that a module that imports `serve` from the main
 * entry can be bundled.
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
