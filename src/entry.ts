// The signatures and documentation of `connect` and `serve`, bound to the sockets of one runtime.
// Each loads its modules on the first call.

import type { ConnectOptions } from "./client/connect_options.ts";
import type { Connection } from "./connection/connection.ts";
import type {
  BinaryType,
  MessageOf,
  MessageTypeOptions,
  TextType,
} from "./connection/connection_options.ts";
import type { ReconnectingConnection } from "./reconnect/connection.ts";
import type {
  EitherConnectOptions,
  ReconnectingConnectOptions,
  ReconnectingUrl,
} from "./reconnect/connect.ts";
import type { ReconnectOptions } from "./reconnect/options.ts";
import type { ServeOptions } from "./server/serve_options.ts";
import type { Server } from "./server/serve.ts";
import type { UpgradeDataOption } from "./server/upgrade_hook.ts";
import type { Network } from "./transport/transport.ts";

/**
 * The type of `serve`.
 *
 * @category Server
 */
export interface Serve {
  /**
   * Starts a WebSocket server.
   *
   * @param options The address, the handlers, the limits. Every option has a default.
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
  <T = undefined, X extends TextType = TextType, B extends BinaryType = BinaryType>(
    options: ServeOptions<T, MessageOf<X, B>> & MessageTypeOptions<X, B> & UpgradeDataOption<T>,
  ): Promise<Server<T>>;
  /** Starts a WebSocket server with the default options. */
  (): Promise<Server<undefined>>;
}

/**
 * The type of `connect`.
 *
 * @category Client
 */
export interface Connect {
  /**
   * Opens a connection that reconnects automatically when it is lost.
   *
   * @param url The server: `ws://host:port/path`, or `wss://` for TLS; or a function that returns
   * the URL, called for each attempt.
   * @param options As for a single connection, with `reconnect`: when and how often to reconnect.
   * @returns The connection, once it has opened for the first time; the initial attempts follow the
   * same rules. Rejects with the error of the last attempt if it gives up, otherwise as for a
   * single connection.
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
    url: ReconnectingUrl,
    options: ReconnectingConnectOptions<T>,
  ): Promise<ReconnectingConnection<T>>;
  /**
   * Opens a connection of either kind, when `reconnect` is only known at run time.
   *
   * @param url The server, as above.
   * @param options The options of both.
   * @returns A reconnecting connection unless `reconnect` is `false`.
   */
  <T = undefined, R extends boolean | ReconnectOptions | undefined = boolean>(
    url: string | URL,
    options: EitherConnectOptions<T> & { reconnect: [R] extends [false | undefined] ? never : R },
  ): Promise<Connection<T> | ReconnectingConnection<T>>;
  /**
   * Opens a connection to a WebSocket server.
   *
   * @param url The server: `ws://host:port/path`, or `wss://` for TLS.
   * @param options The handlers, the limits, header fields. Every option has a default.
   * @returns The connection, once it is open. Rejects with a `TypeError` or `RangeError` for a wrong
   * option, a `ConnectionError` when the server cannot be reached, a `HandshakeError` when it rejects,
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
  <T = undefined, X extends TextType = TextType, B extends BinaryType = BinaryType>(
    url: string | URL,
    options: ConnectOptions<T, MessageOf<X, B>> & MessageTypeOptions<X, B>,
  ): Promise<Connection<T, MessageOf<X, B>>>;
  /** Opens a connection with the default options. */
  (url: string | URL): Promise<Connection<undefined>>;
}

/** The sockets of a runtime, or a function that loads them. */
type NetworkSource = Network | (() => Promise<Network>);

function networkOf(source: NetworkSource): Network | Promise<Network> {
  return typeof source === "function" ? source() : source;
}

/** Makes `serve` over the sockets of a runtime. */
export function serveOn(source: NetworkSource): Serve {
  const serve = async <T>(options: ServeOptions<T> = {}): Promise<Server<T>> => {
    const [{ serveOver }, network] = await Promise.all([
      import("./server/serve.ts"),
      networkOf(source),
    ]);
    return await serveOver(network, options);
  };
  // The overloads determine the types of the messages.
  return serve as Serve;
}

/** Makes `connect` over the sockets of a runtime. */
export function connectOn(source: NetworkSource): Connect {
  async function connect<T>(
    url: ReconnectingUrl,
    options: ConnectOptions<T> | ReconnectingConnectOptions<T> | EitherConnectOptions<T> = {},
  ): Promise<Connection<T> | ReconnectingConnection<T>> {
    const network = await networkOf(source);
    if (isReconnecting(options)) {
      const { connectReconnecting } = await import("./reconnect/connect.ts");
      return await connectReconnecting(network, url, options);
    }
    const { connectOver } = await import("./client/connect.ts");
    return await connectOver(network, url as string, withoutReconnecting(options));
  }
  // The overloads determine the kind of the connection.
  return connect as Connect;
}

function isReconnecting<T>(options: object): options is ReconnectingConnectOptions<T> {
  const { reconnect = false }: { reconnect?: unknown } = options ?? {};
  return reconnect !== false;
}

/** The options of a single connection, without the handlers of reconnecting ones. */
function withoutReconnecting<T>(options: object): ConnectOptions<T> {
  if ((options as ConnectOptions<T>)?.reconnect !== false) return options;
  const { reconnecting, reconnected, topicMessage, ...single } = options as EitherConnectOptions<T>;
  const hasOwn = reconnecting ?? reconnected ?? topicMessage;
  return (hasOwn === undefined ? options : single) as ConnectOptions<T>;
}
