// `serve` over the sockets of any runtime, and the server it returns.

import { ConnectionError } from "../errors.ts";
import { checkUnixPath } from "../shared/check.ts";
import type { SocketUse } from "../shared/explain.ts";
import type { Listener, ListenerSink, ListenOptions, Network } from "../transport/transport.ts";
import { ConnectionGroup } from "./connection_group.ts";
import type { ServerParts } from "./server_core.ts";
import { type ServeOptions, type ServeRules, serveRules } from "./serve_options.ts";
import { StreamServer } from "./stream_server.ts";

/**
 * Starts a WebSocket server over `network`.
 *
 * @throws {TypeError | RangeError} When an option is wrong; the promise rejects with it.
 * @throws {ConnectionError} `LISTEN_FAILED` when the address cannot be bound.
 */
export async function serveOver<T>(network: Network, options: ServeOptions<T>): Promise<Server<T>> {
  const rules = serveRules(options);
  checkUnixPath(options.unix, network.maxUnixPath);
  options.signal?.throwIfAborted();
  const parts = await loadParts(rules);
  const core = new StreamServer(rules, parts);
  const { unix, reusePort, backlog, tls, noDelay = true, readBufferSize, denoSockets } = options;
  const { hostname = "127.0.0.1", port = 0 } = options;
  const listener = await listen(
    network,
    { hostname, port, unix, reusePort, backlog, tls, noDelay, readBufferSize, denoSockets },
    core,
  );
  core.listening(listener);
  return new Server(core, listener);
}

/** Loads the parts that these options need. */
async function loadParts<T>({ connection, options }: ServeRules<T>): Promise<ServerParts> {
  const [compression, relay] = await Promise.all([
    connection.compression && import("../connection/compression.ts"),
    options.backplane && import("../backplane/relay.ts"),
  ]);
  return { compressionFor: compression?.compressionFor, Relay: relay?.Relay };
}

async function listen(
  network: Network,
  options: ListenOptions,
  sink: ListenerSink,
): Promise<Listener> {
  try {
    return await network.listen(options, sink);
  } catch (cause) {
    // An unsupported option, or an unreadable certificate.
    if (cause instanceof TypeError || cause instanceof RangeError) throw cause;
    const { hostname, port, unix } = options;
    const address = unix ??
      (hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`);
    const { explainListen, isConnectionRefused } = await import("../shared/explain.ts");
    const use = unix === undefined ? undefined : await useOf(network, unix, isConnectionRefused);
    throw new ConnectionError(
      "LISTEN_FAILED",
      `Cannot listen on ${address}: ${explainListen(cause, use)}`,
      { cause },
    );
  }
}

/**
 * Checks whether a unix socket is in use: its file remains when the listening process is killed.
 */
async function useOf(
  network: Network,
  unix: string,
  isConnectionRefused: (error: unknown) => boolean,
): Promise<SocketUse> {
  try {
    const transport = await network.dial({ hostname: "", port: 0, unix, noDelay: true });
    transport.destroy();
    return "server";
  } catch (error) {
    return isConnectionRefused(error) ? "none" : "unknown";
  }
}

/**
 * A running WebSocket server.
 *
 * @example
 * ```ts
 * import { serve } from "@quickws/quickws";
 *
 * await using server = await serve({ port: 0, message: (conn, data) => conn.send(data) });
 * console.log(`listening on ${server.url}`);
 * ```
 *
 * @category Server
 */
export class Server<T = undefined> extends ConnectionGroup<T> {
  /** The address it is bound to; empty on a unix socket. */
  readonly hostname: string;
  /** The port it is bound to; 0 on a unix socket. */
  readonly port: number;
  /** The URL for clients: `ws://127.0.0.1:8080/`, or `ws+unix:/run/chat.sock:/`. */
  readonly url: string;

  /** @internal Created by `serve`. */
  constructor(core: StreamServer<T>, listener: Listener) {
    super(core);
    this.hostname = listener.hostname;
    this.port = listener.port;
    const { unix, tls } = core.rules.options;
    const scheme = tls === undefined ? "ws" : "wss";
    this.url = unix === undefined
      ? `${scheme}://${urlHost(listener.hostname)}:${this.port}/`
      : `${scheme}+unix:${urlPath(unix)}:/`;
  }
}

/** Formats an address for a URL: brackets for IPv6, and localhost for "any". */
function urlHost(hostname: string): string {
  if (hostname === "0.0.0.0") return "127.0.0.1";
  if (hostname === "::") return "[::1]";
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}

/** Formats the path of a unix socket for a URL, where a colon ends it. */
function urlPath(path: string): string {
  return encodeURI(path).replace(/[:?#]/g, encodeURIComponent);
}
