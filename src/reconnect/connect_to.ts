// Opens a connection that reconnects, over whichever runtime's sockets it is given.

import type { Network } from "../transport/transport.ts";
import { connectOver } from "../client/connect.ts";
import { parseTarget } from "../client/url.ts";
import type { ReconnectingConnection } from "./reconnecting_connection.ts";
import { type ReconnectingConnectOptions, reconnectingRules } from "./reconnecting_options.ts";
import { Reconnector } from "./reconnector.ts";

/**
 * Opens a reconnecting connection over `network`.
 *
 * @throws {TypeError | RangeError} When the URL or an option is wrong; the promise rejects with it.
 * @throws {unknown} What the last attempt failed with, when the first connection is given up.
 */
// deno-lint-ignore require-await -- what is wrong with the options is the rejection
export async function connectReconnecting<T>(
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
