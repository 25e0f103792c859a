// The options of `serve`, their defaults and their check.

import type { HeaderView } from "../errors.ts";
import type { DenoSockets, TlsServerOptions } from "../transport/transport.ts";
import type { Backplane, BackplaneQueueOptions, ResumeOptions } from "../pubsub/backplane.ts";
import { TOPICS_SUBPROTOCOL } from "../pubsub/topic_protocol.ts";
import {
  type ClientTopicsOptions,
  type ClientTopicsRules,
  clientTopicsRules,
} from "../topics/client_topics.ts";
import type { HeaderFieldsInit } from "../shared/header_lines.ts";
import { checkOrigins } from "./check_origins.ts";
import { checkBackplane } from "./backplane_options.ts";
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
import { isHostName } from "./host.ts";
import { checkHandlers, HANDLER_NAMES, type Handlers } from "../connection/handlers.ts";

/** A client's request for a connection, as the `upgrade` hook sees it. */
export interface UpgradeRequest {
  /** Always `GET`. */
  readonly method: string;
  /** What the client asked for, as a URL: `ws://127.0.0.1:8080/chat?room=1`. */
  readonly url: string;
  /** The header fields of the request. */
  readonly headers: HeaderView;
  /** The client's address, without the port; empty on a unix socket. */
  readonly remoteAddress: string;
  /** The subprotocols the client offers, in its order of preference. */
  readonly subprotocols: readonly string[];
}

/** Refuses a connection with an HTTP answer. */
export interface UpgradeRejection {
  /** The HTTP status code, 200 to 599. */
  status: number;
  /** Further header fields. */
  headers?: HeaderFieldsInit;
  /** The body of the answer. Default: empty. */
  body?: string | Uint8Array;
}

/** Accepts a connection. Every field is optional; without one of them the defaults hold. */
export interface UpgradeAcceptance<T> {
  /**
   * The subprotocol, one of those the client offers. Default: by the options `clientTopics` and
   * `subprotocols`.
   */
  subprotocol?: string;
  /** Further header fields of the 101 answer. */
  headers?: HeaderFieldsInit;
  /** What `connection.data` begins as. */
  data?: T;
  /** Handlers of this connection alone, instead of those of the server. */
  handlers?: Handlers<T>;
  /** Must be absent: with a status it is a rejection. */
  status?: undefined;
}

/** What an `upgrade` hook decides. */
export type UpgradeDecision<T> = UpgradeRejection | UpgradeAcceptance<T>;

/** Which values of a browser's `Origin` are let in. */
export type Origins =
  | "same"
  | "any"
  | readonly string[]
  | ((origin: string, request: UpgradeRequest) => boolean);

/** The options of `serve`. */
export interface ServeOptions<T = undefined> extends ConnectionOptions, Handlers<T> {
  /** The address to listen on; `"0.0.0.0"` or `"::"` for all. Default: `"127.0.0.1"`. */
  hostname?: string;
  /** The port to listen on; 0 lets the system choose. Default: 0. */
  port?: number;
  /** A unix socket to listen on, instead of `hostname` and `port`. */
  unix?: string;
  /** Lets several processes listen on the port (SO_REUSEPORT). Default: `false`. */
  reusePort?: boolean;
  /** How many connections may wait to be accepted, where the runtime lets it be set. */
  backlog?: number;
  /**
   * Which sockets the server stands on, on Deno alone. `"node:net"`: fair and steady however many
   * connections there are. `"Deno.listen"`: a little less time per message up to some hundred
   * connections, more memory, and far more time from some thousand on. Default: `"node:net"`.
   */
  denoSockets?: DenoSockets;
  /** Makes it a `wss://` server: certificate chain and key, both PEM. */
  tls?: TlsServerOptions;
  /** Milliseconds that a client has for its opening handshake; 0 is no limit. Default: 10000. */
  handshakeTimeout?: number;
  /** Bytes that a request's head may have; over it: 431. Default: 16384. */
  maxHandshakeSize?: number;
  /** How many connections may be open; over it: 503. Default: no limit. */
  maxConnections?: number;
  /** Shuts the server down when it aborts. */
  signal?: AbortSignal;
  /**
   * Which values of `Origin` are let in when there is one, as browsers send it; others get a 403.
   * `"same"`: the request's own host. `"any"`: all. A list: exactly these. Clients that send no
   * `Origin` are not browsers and pass. Default: `"same"`.
   */
  allowedOrigins?: Origins;
  /**
   * The engine that carries what is published to topics to the servers of other processes and
   * machines, which have one to the same engine. An object for this server alone. Default: none.
   */
  backplane?: Backplane;
  /** What waits while the engine of `backplane` is away. */
  backplaneQueue?: BackplaneQueueOptions;
  /**
   * Lets clients listen to topics by themselves, in the subprotocol `quickws.topics.1`, which goes
   * before those of `subprotocols` where a client offers it. Default: they cannot.
   */
  clientTopics?: ClientTopicsOptions<T>;
  /**
   * Lets the engine of `backplane` number and keep what is published to topics, for clients that come
   * back: so much of it. All servers of an engine have the same. Default: nothing is kept.
   */
  resume?: ResumeOptions;
  /**
   * Host names and addresses that requests may be for, in lower case and without a port; others get a
   * 421. It is for servers that browsers reach without a proxy, above all on this machine: a page
   * whose name was made to point here (DNS rebinding) passes the check of `allowedOrigins: "same"`, and not
   * this one. Default: any.
   */
  allowedHosts?: readonly string[];
  /**
   * Hears of errors that have no connection to go to: of the listener, of the hooks, of a `close`
   * handler. Default: `console.error` (the web's `reportError` ends the process on Deno and Bun).
   */
  onError?(error: unknown): void;
  /** Decides about each request: nothing accepts it; see {@linkcode UpgradeDecision}. */
  upgrade?(
    request: UpgradeRequest,
  ): UpgradeDecision<T> | void | Promise<UpgradeDecision<T> | void>;
  /**
   * Answers plain HTTP requests on the same port: a page, a health check. One request per
   * connection, none with a body; the answer is sent in one piece. Default: 426.
   */
  fetch?(request: Request): Response | Promise<Response>;
}

const SERVE_OPTION_NAMES = [
  "hostname",
  "port",
  "unix",
  "reusePort",
  "backlog",
  "denoSockets",
  "tls",
  "handshakeTimeout",
  "maxHandshakeSize",
  "maxConnections",
  "signal",
  "allowedOrigins",
  "backplane",
  "backplaneQueue",
  "clientTopics",
  "resume",
  "allowedHosts",
  "onError",
  "upgrade",
  "fetch",
  ...CONNECTION_OPTION_NAMES,
  ...HANDLER_NAMES,
] as const;

/** The options of `serve` once checked, with their defaults. */
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
  /** See {@linkcode ServeOptions.clientTopics}. */
  readonly clientTopics: ClientTopicsRules<T> | undefined;
  /** The subprotocols that are supported, in order of preference. */
  readonly subprotocols: readonly string[];
  /** See {@linkcode ServeOptions.allowedOrigins}. */
  readonly allowedOrigins: Origins;
  /** See {@linkcode ServeOptions.allowedHosts}. */
  readonly allowedHosts: readonly string[] | undefined;
}

/**
 * Checks the options of `serve` and fills in the defaults.
 *
 * @throws {TypeError | RangeError} When a name is unknown, or a value of the wrong type or range.
 */
export function serveRules<T>(options: ServeOptions<T>): ServeRules<T> {
  checkNames("The options of serve", options, SERVE_OPTION_NAMES);
  checkHandlers(options);
  checkAddress(options);
  checkInteger("handshakeTimeout", options.handshakeTimeout, 0, MAX_INT32, "milliseconds");
  checkInteger("maxHandshakeSize", options.maxHandshakeSize, 256, MAX_INT32, "bytes");
  checkInteger("maxConnections", options.maxConnections, 1, MAX_INT32, "connections");
  checkOrigins(options.allowedOrigins);
  checkHosts(options.allowedHosts);
  checkType("onError", options.onError, "function");
  checkType("upgrade", options.upgrade, "function");
  checkType("fetch", options.fetch, "function");
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
    subprotocols: [...first, ...options.subprotocols ?? []],
    allowedOrigins: Array.isArray(options.allowedOrigins)
      ? [...options.allowedOrigins]
      : options.allowedOrigins ?? "same",
    allowedHosts: options.allowedHosts && [...options.allowedHosts],
  };
}

function checkAddress<T>(options: ServeOptions<T>): void {
  checkType("hostname", options.hostname, "string");
  const { port }: { port?: unknown } = options;
  if (port !== undefined && typeof port !== "number") throw wrongType("port", "a number", port);
  checkInteger("port", port, 0, 65535, "port");
  checkType("unix", options.unix, "string");
  if (
    options.unix !== undefined && (options.port !== undefined || options.hostname !== undefined)
  ) {
    throw new TypeError('Option "unix" cannot be given together with "port" or "hostname"');
  }
  checkType("reusePort", options.reusePort, "boolean");
  checkInteger("backlog", options.backlog, 1, MAX_INT32, "connections");
  checkOneOf("denoSockets", options.denoSockets, ["node:net", "Deno.listen"]);
  if (options.tls === undefined) return;
  checkNames('Option "tls"', options.tls, ["cert", "key", "passphrase"]);
  checkType("tls.passphrase", options.tls.passphrase, "string");
  for (const name of ["cert", "key"] as const) {
    const value: unknown = options.tls[name];
    if (typeof value !== "string") throw wrongType(`tls.${name}`, "a PEM string", value);
  }
}

function checkHosts(hosts: unknown): void {
  if (hosts === undefined) return;
  if (!Array.isArray(hosts)) throw wrongType("allowedHosts", "an array of host names", hosts);
  for (const host of hosts) {
    if (typeof host !== "string" || !isHostName(host)) {
      throw new TypeError(
        `Option "allowedHosts" must list host names such as "localhost" or "[::1]", got ${
          show(host)
        }`,
      );
    }
  }
}
