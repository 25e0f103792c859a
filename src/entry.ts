// `connect` and `serve` as the entries export them, bound to the sockets of one runtime: signatures and
// documentation stand here once. Each loads what it needs when it is first called.

import type { ConnectOptions } from "./client/connect_options.ts";
import type { Connection } from "./connection/connection.ts";
import type { ReconnectingConnection } from "./reconnect/reconnecting_connection.ts";
import type { ReconnectingConnectOptions } from "./reconnect/reconnecting_options.ts";
import type { ServeOptions } from "./server/serve_options.ts";
import type { Server } from "./server/serve.ts";
import type { Network } from "./transport/transport.ts";

/** The type of `serve`. */
export interface Serve {
  /**
   * Starts a WebSocket server.
   *
   * @param options Where to listen, the handlers, the limits. Everything has a default.
   * @returns The server, once it is listening. Rejects with a `TypeError` or `RangeError` for a wrong
   * option, and with a `ConnectionError` `LISTEN_FAILED` when it cannot listen.
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
  <T = undefined>(options?: ServeOptions<T>): Promise<Server<T>>;
}

/** The type of `connect`. */
export interface Connect {
  /**
   * Opens a connection that reconnects automatically when it is lost.
   *
   * @param url The server: `ws://host:port/path`, or `wss://` for TLS; or a function that gives the URL,
   * called for each attempt.
   * @param options As for a single connection, with `reconnect`: when and how often to reconnect.
   * @returns The connection, once it is open for the first time; the first attempts follow the same rules.
   * Rejects with the last attempt's error when it gives up, and otherwise as for a single connection.
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
  <T = undefined>(
    url: string | URL,
    options: ReconnectingConnectOptions<T>,
  ): Promise<ReconnectingConnection<T>>;
  /**
   * Opens a connection to a WebSocket server.
   *
   * @param url The server: `ws://host:port/path`, or `wss://` for TLS.
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
  <T = undefined>(url: string | URL, options?: ConnectOptions<T>): Promise<Connection<T>>;
}

/** The sockets of a runtime, or how to find them. */
type NetworkSource = Network | (() => Promise<Network>);

function networkOf(source: NetworkSource): Network | Promise<Network> {
  return typeof source === "function" ? source() : source;
}

/** Makes `serve` over the sockets of a runtime. */
export function serveOn(source: NetworkSource): Serve {
  return async <T>(options: ServeOptions<T> = {}): Promise<Server<T>> => {
    const [{ serveOver }, network] = await Promise.all([
      import("./server/serve.ts"),
      networkOf(source),
    ]);
    return await serveOver(network, options);
  };
}

/** Makes `connect` over the sockets of a runtime. */
export function connectOn(source: NetworkSource): Connect {
  function connect<T>(
    url: string | URL,
    options: ReconnectingConnectOptions<T>,
  ): Promise<ReconnectingConnection<T>>;
  function connect<T>(url: string | URL, options?: ConnectOptions<T>): Promise<Connection<T>>;
  async function connect<T>(
    url: string | URL,
    options: ConnectOptions<T> | ReconnectingConnectOptions<T> = {},
  ): Promise<Connection<T> | ReconnectingConnection<T>> {
    const network = await networkOf(source);
    if (isReconnecting(options)) {
      const { connectReconnecting } = await import("./reconnect/connect_to.ts");
      return await connectReconnecting(network, url, options);
    }
    const { connectOver } = await import("./client/connect.ts");
    return await connectOver(network, url, options);
  }
  return connect;
}

function isReconnecting<T>(
  options: ConnectOptions<T> | ReconnectingConnectOptions<T>,
): options is ReconnectingConnectOptions<T> {
  const reconnect: unknown = options?.reconnect;
  return reconnect !== undefined && reconnect !== false;
}
