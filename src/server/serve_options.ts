// The options of `serve`, their defaults and validation.

import type { DenoSockets, TlsServerOptions } from "../transport/transport.ts";
import type { Backplane, BackplaneQueueOptions, HistoryOptions } from "../backplane/backplane.ts";
import { TOPICS_SUBPROTOCOL } from "../pubsub/protocol.ts";
import {
  type ClientTopicsOptions,
  type ClientTopicsRules,
  clientTopicsRules,
} from "../pubsub/client_topics.ts";
import {
  checkInteger,
  checkNames,
  checkOneOf,
  checkSignal,
  checkType,
  show,
  wrongType,
} from "../shared/check.ts";
import {
  CONNECTION_OPTION_NAMES,
  type ConnectionOptions,
  type ConnectionRules,
  connectionRules,
  MAX_INT32,
} from "../connection/connection_options.ts";
import type { Connection } from "../connection/connection.ts";
import type { AnyMessage, Message } from "../connection/connection_driver.ts";
import {
  checkHandlers,
  type Handler,
  HANDLER_NAMES,
  type Handlers,
  type LimitReport,
} from "../connection/handlers.ts";
import { checkHosts, checkOrigins, type Origins } from "./admission.ts";
import { TrustedProxies } from "./client_address.ts";
import type { Refusal, UpgradeRequest, UpgradeResult } from "./upgrade_hook.ts";

/**
 * The options of `serve`.
 *
 * @category Server
 */
export interface ServeOptions<T = undefined, M extends AnyMessage = Message>
  extends ConnectionOptions, Handlers<T, M> {
  /** The address to listen on; `"0.0.0.0"` or `"::"` for all. Default: `"127.0.0.1"`. */
  hostname?: string | undefined;
  /** The port to listen on; 0 lets the system choose. Default: 0. */
  port?: number | undefined;
  /**
   * The path of a unix socket to listen on, instead of `hostname` and `port`: at most 107 bytes on Linux,
   * 103 on macOS.
   */
  unix?: string | undefined;
  /**
   * The URL path to serve, or a list of paths, such as `"/chat"`. Upgrade requests for others get a
   * 404, or are left to other listeners of a shared HTTP server (`attach`). Default: all.
   */
  path?: string | readonly string[] | undefined;
  /** Lets several processes listen on the port (SO_REUSEPORT). Default: `false`. */
  reusePort?: boolean | undefined;
  /** The length of the accept queue, if the runtime supports it. */
  backlog?: number | undefined;
  /**
   * The sockets of the server, on Deno only. `"node:net"`: fair for any number of connections.
   * `"Deno.listen"`: slightly faster for up to some hundred connections, but much slower from some
   * thousand on, and more memory. Default: `"node:net"`.
   */
  denoSockets?: DenoSockets | undefined;
  /** Enables TLS (`wss://`): certificate chain and key, both PEM. */
  tls?: TlsServerOptions | undefined;
  /** Milliseconds for the opening handshake; 0 disables the limit. Default: 10000. */
  handshakeTimeout?: number | undefined;
  /** The maximum size of a request's head in bytes; larger ones get a 431. Default: 16384. */
  maxHandshakeSize?: number | undefined;
  /**
   * The maximum number of open connections, pending opening handshakes and plain HTTP requests.
   * Above it the server responds with 503. Default: no limit.
   */
  maxConnections?: number | undefined;
  /**
   * The maximum per client address (see {@linkcode UpgradeRequest.remoteAddress}); above it: 503.
   * Clients on a unix socket are not counted. Default: no limit.
   */
  maxConnectionsPerAddress?: number | undefined;
  /**
   * Addresses and CIDR ranges of trusted proxies; `"unix"` for proxies on a unix socket. The
   * client's address is then the last untrusted one in `Forwarded` or `X-Forwarded-For`;
   * `X-Forwarded-Proto: https` makes the URL `wss:`. Default: none; these fields are ignored.
   */
  trustedProxies?: readonly string[] | undefined;
  /**
   * `true` requires each connection to start with a PROXY protocol header (version 1 or 2) that
   * names the client. With `trustedProxies` only those may connect. Excludes `tls`. Default:
   * `false`.
   */
  proxyProtocol?: boolean | undefined;
  /**
   * `true` reports connection limits to `onLimit` without enforcing them, as a trial. Default:
   * `false`.
   */
  reportOnly?: boolean | undefined;
  /**
   * `true` means that a proxy terminates TLS: request URLs begin with `wss:`, and `allowedOrigins:
   * "same"` requires an `https:` page. Default: `false`.
   */
  secure?: boolean | undefined;
  /** Shuts the server down when it aborts. */
  signal?: AbortSignal | undefined;
  /**
   * The allowed values of `Origin`, sent by browsers; others get a 403. `"same"`: the request's own
   * host, and `https:` if the URL is `wss:`. `"any"`: all. A list: exactly these. Clients without
   * `Origin` are not browsers and are accepted. Default: `"same"`.
   */
  allowedOrigins?: Origins | undefined;
  /**
   * Distributes published messages to other servers with a backplane on the same broker. The object
   * must not be shared with another server. Default: none.
   */
  backplane?: Backplane | undefined;
  /** Limits of the queue while the broker of `backplane` is down. */
  backplaneQueue?: BackplaneQueueOptions | undefined;
  /**
   * Lets clients subscribe to topics with the subprotocol `quickws.topics.1`, which takes
   * precedence over `subprotocols`. Default: disabled.
   */
  clientTopics?: ClientTopicsOptions<T> | undefined;
  /**
   * Stores published messages for clients that resume: the broker of `backplane` numbers and stores
   * them. All servers on a broker need the same value. Default: none.
   */
  history?: HistoryOptions | undefined;
  /**
   * The allowed host names and addresses of requests, in lower case without a port; others get a
   * 421. Use it for servers that browsers reach without a proxy, especially local ones: DNS
   * rebinding passes `allowedOrigins: "same"`, but not this check. Default: any.
   */
  allowedHosts?: readonly string[] | undefined;
  /**
   * The error handler: called once for each error that a handler or another callback of the
   * application throws or rejects with, and for errors without a connection. Default:
   * `console.error` (the web's `reportError` ends the process on Deno and Bun).
   */
  onError?: Handler<[error: unknown, connection?: Connection<T>]> | undefined;
  /**
   * Called for each rejected upgrade request, whatever the reason: malformed, a wrong host, path or
   * origin, a limit, the `upgrade` hook, a timeout, a shutdown. Unread fields of the request are
   * empty.
   */
  onRefused?: ((request: UpgradeRequest, refusal: Refusal) => void) | undefined;
  /**
   * Called for each client over a connection limit, even with `reportOnly`, and when an open
   * connection reaches `rateLimit`, `unreadTimeout` or `memoryLimit`.
   */
  onLimit?: ((report: LimitReport) => void) | undefined;
  /**
   * Called for each upgrade request that passed the checks. Returning `undefined` accepts it; see
   * {@linkcode UpgradeResult} for other results. If it throws, the server responds with 500 and
   * calls `onError`.
   */
  upgrade?: ((request: UpgradeRequest) => UpgradeResult<T> | Promise<UpgradeResult<T>>) | undefined;
  /**
   * Answers plain HTTP requests on the same port, such as a page or a health check. One request per
   * connection, without a body. The response body is read with backpressure, and canceled when the
   * client disconnects; `request.signal` then aborts too. Default: 426.
   */
  fetch?: ((request: Request) => Response | Promise<Response>) | undefined;
}

/** Options that do not apply on another HTTP server. */
export const LISTENING_OPTIONS = [
  "hostname",
  "port",
  "unix",
  "reusePort",
  "backlog",
  "tls",
  "fetch",
  "maxHandshakeSize",
  "noDelay",
  "readBufferSize",
  "denoSockets",
  "proxyProtocol",
] as const satisfies Exclude<keyof ServeOptions, keyof UpgradeOptions>[];

/**
 * The options of `serve` that apply when another server listens and answers plain HTTP.
 *
 * @category Server
 */
export type UpgradeOptions<T = undefined> = Omit<
  ServeOptions<T>,
  | "hostname"
  | "port"
  | "unix"
  | "reusePort"
  | "backlog"
  | "tls"
  | "fetch"
  | "maxHandshakeSize"
  | "noDelay"
  | "readBufferSize"
  | "denoSockets"
  | "proxyProtocol"
>;

const SERVE_OPTION_NAMES = [
  "hostname",
  "port",
  "unix",
  "path",
  "reusePort",
  "backlog",
  "denoSockets",
  "tls",
  "handshakeTimeout",
  "maxHandshakeSize",
  "maxConnections",
  "maxConnectionsPerAddress",
  "trustedProxies",
  "proxyProtocol",
  "reportOnly",
  "secure",
  "signal",
  "allowedOrigins",
  "backplane",
  "backplaneQueue",
  "clientTopics",
  "history",
  "allowedHosts",
  "onError",
  "onRefused",
  "onLimit",
  "upgrade",
  "fetch",
  ...CONNECTION_OPTION_NAMES,
  ...HANDLER_NAMES,
] as const;

/** The checked options of `serve`, with their defaults. */
export interface ServeRules<T> {
  /** The options of the connections. */
  readonly connection: ConnectionRules;
  /** The user's handlers and hooks. */
  readonly options: ServeOptions<T>;
  /** See {@linkcode ServeOptions.handshakeTimeout}. */
  readonly handshakeTimeout: number;
  /** See {@linkcode ServeOptions.maxHandshakeSize}. */
  readonly maxHandshakeSize: number;
  /** See {@linkcode ServeOptions.maxConnections}. */
  readonly maxConnections: number;
  /** See {@linkcode ServeOptions.maxConnectionsPerAddress}. */
  readonly maxConnectionsPerAddress: number;
  /** See {@linkcode ServeOptions.trustedProxies}. */
  readonly trustedProxies: TrustedProxies | undefined;
  /** See {@linkcode ServeOptions.proxyProtocol}. */
  readonly proxyProtocol: boolean;
  /** See {@linkcode ServeOptions.reportOnly}. */
  readonly reportOnly: boolean;
  /** See {@linkcode ServeOptions.secure}. */
  readonly secure: boolean;
  /** See {@linkcode ServeOptions.path}. */
  readonly path: readonly string[] | undefined;
  /** See {@linkcode ServeOptions.clientTopics}. */
  readonly clientTopics: ClientTopicsRules<T> | undefined;
  /** The supported subprotocols, in order of preference. */
  readonly subprotocols: readonly string[];
  /** See {@linkcode ServeOptions.allowedOrigins}. */
  readonly allowedOrigins: Origins;
  /** See {@linkcode ServeOptions.allowedHosts}. */
  readonly allowedHosts: readonly string[] | undefined;
}

/**
 * Checks the options of `serve` and fills in the defaults.
 *
 * @throws {TypeError | RangeError} When a name is unknown, or a value has the wrong type or range.
 */
export function serveRules<T>(options: ServeOptions<T>): ServeRules<T> {
  checkNames("The options of serve", options, SERVE_OPTION_NAMES);
  checkHandlers(options);
  checkAddress(options);
  checkInteger("handshakeTimeout", options.handshakeTimeout, 0, MAX_INT32, "milliseconds");
  checkInteger("maxHandshakeSize", options.maxHandshakeSize, 256, MAX_INT32, "bytes");
  for (const name of ["maxConnections", "maxConnectionsPerAddress"] as const) {
    checkInteger(name, options[name], 1, MAX_INT32, "connections");
  }
  for (const name of ["proxyProtocol", "reportOnly", "secure"] as const) {
    checkType(name, options[name], "boolean");
  }
  checkOrigins(options.allowedOrigins);
  checkHosts(options.allowedHosts);
  for (const name of ["onError", "onRefused", "onLimit", "upgrade", "fetch"] as const) {
    checkType(name, options[name], "function");
  }
  checkSignal(options.signal);
  checkBackplane(options);
  const connection = connectionRules(options, true);
  const clientTopics = clientTopicsRules(options.clientTopics, connection);
  const first = clientTopics === undefined ? [] : [TOPICS_SUBPROTOCOL];
  return {
    connection,
    options,
    clientTopics,
    handshakeTimeout: options.handshakeTimeout ?? 10_000,
    maxHandshakeSize: options.maxHandshakeSize ?? 16_384,
    maxConnections: options.maxConnections ?? Infinity,
    maxConnectionsPerAddress: options.maxConnectionsPerAddress ?? Infinity,
    trustedProxies: options.trustedProxies === undefined
      ? undefined
      : new TrustedProxies(options.trustedProxies),
    proxyProtocol: options.proxyProtocol ?? false,
    reportOnly: options.reportOnly ?? false,
    secure: options.secure ?? false,
    path: servedPaths(options.path),
    subprotocols: [...first, ...options.subprotocols ?? []],
    allowedOrigins: Array.isArray(options.allowedOrigins)
      ? [...options.allowedOrigins]
      : options.allowedOrigins ?? "same",
    allowedHosts: options.allowedHosts && [...options.allowedHosts],
  };
}

function checkAddress<T>(options: ServeOptions<T>): void {
  checkType("hostname", options.hostname, "string");
  // Some runtimes interpret it as all addresses, and an unset variable must not expose the server
  // to the network.
  if (options.hostname === "") {
    throw wrongType("hostname", 'an address or a host name ("0.0.0.0" and "::" mean all)', "");
  }
  const { port }: { port?: unknown } = options;
  if (port !== undefined && typeof port !== "number") throw wrongType("port", "a number", port);
  checkInteger("port", port, 0, 65535, "port");
  checkType("unix", options.unix, "string");
  if (options.unix === "") throw wrongType("unix", "the path of a socket", "");
  if (
    options.unix !== undefined && (options.port !== undefined || options.hostname !== undefined)
  ) {
    throw new TypeError('Option "unix" cannot be given together with "port" or "hostname"');
  }
  checkType("reusePort", options.reusePort, "boolean");
  checkInteger("backlog", options.backlog, 1, MAX_INT32, "connections");
  checkOneOf("denoSockets", options.denoSockets, ["node:net", "Deno.listen"]);
  if (options.tls === undefined) return;
  if (options.proxyProtocol === true) {
    throw new TypeError(
      'Option "proxyProtocol" cannot be given together with "tls": let the proxy terminate TLS, and set ' +
        '"secure" instead',
    );
  }
  checkNames('Option "tls"', options.tls, ["cert", "key", "passphrase"]);
  checkType("tls.passphrase", options.tls.passphrase, "string");
  for (const name of ["cert", "key"] as const) {
    const value: unknown = options.tls[name];
    if (typeof value !== "string") throw wrongType(`tls.${name}`, "a PEM string", value);
  }
}

/** @throws {TypeError} Unless the option `path` is a URL path or a list of paths. */
function servedPaths(path: unknown): readonly string[] | undefined {
  if (path === undefined) return undefined;
  const list: readonly unknown[] = Array.isArray(path) ? path : [path];
  return list.map((each) => {
    if (typeof each !== "string") throw wrongType("path", "a URL path or an array of them", each);
    const pathname = URL.canParse(each, "http://host")
      ? new URL(`http://host${each}`).pathname
      : undefined;
    if (!each.startsWith("/") || pathname !== each) {
      throw new TypeError(
        `Option "path" must be a URL path such as "/chat", as it appears in a request, got ${
          show(each)
        }`,
      );
    }
    return each;
  });
}

/** The maximum number of stored messages per topic. */
const MAX_MESSAGES = 1_000_000;

/** The backplane options of `serve`. */
export interface BackplaneOptions {
  /** The backplane. */
  backplane?: Backplane | undefined;
  /** The queue while it is down. */
  backplaneQueue?: BackplaneQueueOptions | undefined;
  /** The limits of the history. */
  history?: HistoryOptions | undefined;
}

/** @throws {TypeError | RangeError} When a value has the wrong type or range. */
export function checkBackplane({ backplane, backplaneQueue, history }: BackplaneOptions): void {
  if (backplane !== undefined) {
    checkFunctions("backplane", backplane, [
      "start",
      "publish",
      "subscribe",
      "unsubscribe",
      "close",
    ]);
  }
  if (backplaneQueue !== undefined) {
    checkNames('Option "backplaneQueue"', backplaneQueue, ["maxBytes", "drop"]);
    checkInteger("backplaneQueue.maxBytes", backplaneQueue.maxBytes, 0, MAX_INT32, "bytes");
    checkOneOf("backplaneQueue.drop", backplaneQueue.drop, ["oldest", "newest"]);
  }
  if (history !== undefined) checkHistory(history, backplane);
}

function checkHistory(history: HistoryOptions, backplane: Backplane | undefined): void {
  const limits = ["maxReplayMessages", "maxReplayBytes", "replayRate"] as const;
  checkNames('Option "history"', history, ["maxAge", "maxMessages", ...limits]);
  const { maxAge, maxMessages, ...replays }: Partial<HistoryOptions> = history;
  if (maxAge === undefined) throw wrongType("history.maxAge", "a number of milliseconds", maxAge);
  if (maxMessages === undefined) {
    throw wrongType("history.maxMessages", "a number of messages", maxMessages);
  }
  checkInteger("history.maxAge", maxAge, 1, MAX_INT32, "milliseconds");
  checkInteger("history.maxMessages", maxMessages, 1, MAX_MESSAGES, "messages");
  checkInteger("history.maxReplayMessages", replays.maxReplayMessages, 1, MAX_INT32, "messages");
  checkInteger("history.maxReplayBytes", replays.maxReplayBytes, 1, MAX_INT32, "bytes");
  checkInteger("history.replayRate", replays.replayRate, 0, MAX_INT32, "bytes per second");
  const store = backplane?.history;
  if (store === undefined) {
    const what = backplane === undefined ? "there is no backplane" : "this backplane has none";
    throw new TypeError(`Option "history" needs a "backplane" with a history, but ${what}`);
  }
  checkFunctions("backplane.history", store, ["keep", "append", "read"]);
}

function checkFunctions(name: string, value: unknown, functions: readonly string[]): void {
  const object = value as Record<string, unknown> | null;
  for (const each of functions) {
    if (typeof object?.[each] !== "function") {
      throw wrongType(name, `an object with a function "${each}"`, value);
    }
  }
}
