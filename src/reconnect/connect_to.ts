// Opens one connection, or one that lasts, as the options say.

import type { Network } from "../transport/transport.ts";
import { connectOver } from "../client/connect.ts";
import { type ConnectOptions, parseTarget } from "../client/connect_options.ts";
import type { Connection } from "../socket/connection.ts";
import type { LastingConnection } from "./lasting_connection.ts";
import { type LastingConnectOptions, lastingRules } from "./lasting_options.ts";
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
  options: LastingConnectOptions<T>,
): Promise<LastingConnection<T>>;
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
  options: ConnectOptions<T> | LastingConnectOptions<T>,
): Promise<Connection<T> | LastingConnection<T>>;
export function connectTo<T>(
  network: Network,
  url: string | URL,
  options: ConnectOptions<T> | LastingConnectOptions<T>,
): Promise<Connection<T> | LastingConnection<T>> {
  return isLasting(options)
    ? connectLasting(network, url, options)
    : connectOver(network, url, options);
}

// Asynchronous, so that wrong options reject as those of a single connection do.
// deno-lint-ignore require-await
async function connectLasting<T>(
  network: Network,
  url: string | URL,
  options: LastingConnectOptions<T>,
): Promise<LastingConnection<T>> {
  const rules = lastingRules(options);
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

function isLasting<T>(
  options: ConnectOptions<T> | LastingConnectOptions<T>,
): options is LastingConnectOptions<T> {
  const reconnect: unknown = options?.reconnect;
  return reconnect !== undefined && reconnect !== false;
}
