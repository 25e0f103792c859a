// Opens one connection, or one that lasts, as the options say.

import type { Network } from "../transport/transport.ts";
import { connectOver } from "../client/connect.ts";
import type { ConnectOptions } from "../client/connect_options.ts";
import { parseTarget } from "../client/url.ts";
import type { Connection } from "../connection/connection.ts";
import type { ReconnectingConnection } from "./reconnecting_connection.ts";
import { type ReconnectingConnectOptions, reconnectingRules } from "./reconnecting_options.ts";
import { Reconnector } from "./reconnector.ts";

/**
 * Opens a connection that lasts over `network`.
 *
 * @throws {TypeError | RangeError} When the URL or an option is wrong; the promise rejects with it.
 * @throws {unknown} What the last attempt failed with, when the first connection is given up.
 */
export function connectTo<T>(
  network: Network,
  url: string | URL,
  options: ReconnectingConnectOptions<T>,
): Promise<ReconnectingConnection<T>>;
/** Opens one connection; see {@linkcode connectOver}. */
export function connectTo<T>(
  network: Network,
  url: string | URL,
  options: ConnectOptions<T>,
): Promise<Connection<T>>;
/** Opens either. */
export function connectTo<T>(
  network: Network,
  url: string | URL,
  options: ConnectOptions<T> | ReconnectingConnectOptions<T>,
): Promise<Connection<T> | ReconnectingConnection<T>>;
export function connectTo<T>(
  network: Network,
  url: string | URL,
  options: ConnectOptions<T> | ReconnectingConnectOptions<T>,
): Promise<Connection<T> | ReconnectingConnection<T>> {
  return isReconnecting(options)
    ? connectReconnecting(network, url, options)
    : connectOver(network, url, options);
}

// Asynchronous, so that wrong options reject as those of a single connection do.
// deno-lint-ignore require-await
async function connectReconnecting<T>(
  network: Network,
  url: string | URL,
  options: ReconnectingConnectOptions<T>,
): Promise<ReconnectingConnection<T>> {
  const rules = reconnectingRules(options);
  const target = parseTarget(url);
  // As it was given, with user and password.
  const href = String(url);
  return new Reconnector(
    (connectOptions) => connectOver(network, href, connectOptions),
    target.url,
    rules,
    options.data as T,
  ).start(options.signal);
}

function isReconnecting<T>(
  options: ConnectOptions<T> | ReconnectingConnectOptions<T>,
): options is ReconnectingConnectOptions<T> {
  const reconnect: unknown = options?.reconnect;
  return reconnect !== undefined && reconnect !== false;
}
