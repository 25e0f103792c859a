// The options of `connect`, their defaults and their check.

import type { DialOptions, TlsClientOptions, Transport } from "../transport/transport.ts";
import {
  checkInteger,
  checkNames,
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
import { findProxy, type ProxyOption } from "./proxy_url.ts";
import { checkHandlers, HANDLER_NAMES, type Handlers } from "../connection/handlers.ts";
import type { HeaderFieldsInit } from "../shared/header_lines.ts";

/** The options of `connect`. */
export interface ConnectOptions<T = undefined> extends ConnectionOptions, Handlers<T> {
  /** Further header fields of the request, such as `Authorization` or `Cookie`. */
  headers?: HeaderFieldsInit;
  /** The `Origin` to send. Default: none, as programs do that are no browsers. */
  origin?: string;
  /**
   * Milliseconds for all of it: name lookup, connecting, TLS and the server's answer; 0 is no limit.
   * Default: 30000.
   */
  handshakeTimeout?: number;
  /** Gives up opening the connection when it aborts; has no effect on an open one. */
  signal?: AbortSignal;
  /**
   * How a `wss://` server is checked. `caCerts` and `rejectUnauthorized` count for an `https://`
   * proxy, too; our own certificate is shown to the server only.
   */
  tls?: TlsClientOptions;
  /**
   * Connects through a proxy: `http://` and `https://` (CONNECT), `socks5://` (names are looked up
   * here) and `socks5h://` (by the proxy), user and password in the URL, percent-encoded. A function
   * decides for each URL; `undefined` is a direct connection. Not together with `dial`. Default:
   * none.
   */
  proxy?: ProxyOption;
  /** Opens the stream in another way: any socket, a tunnel, a pipe in a test. */
  dial?(address: DialOptions): Promise<Transport>;
  /** What `connection.data` begins as. */
  data?: T;
  /**
   * Opens another connection when one is lost: `true`, or {@linkcode ReconnectOptions}; what `connect`
   * gives is a {@linkcode ReconnectingConnection} then. Default: `false`.
   */
  reconnect?: false;
}

const CONNECT_OPTION_NAMES = [
  "headers",
  "origin",
  "handshakeTimeout",
  "signal",
  "tls",
  "proxy",
  "dial",
  "data",
  "reconnect",
  ...CONNECTION_OPTION_NAMES,
  ...HANDLER_NAMES,
] as const;

/** Where a URL points to, taken apart. */
export interface Target {
  /** The URL as `ws:` or `wss:`, without user information. */
  readonly url: string;
  /** Whether it is `wss:`. */
  readonly secure: boolean;
  /** The host to connect to; an IPv6 address without brackets. */
  readonly hostname: string;
  /** The port to connect to. */
  readonly port: number;
  /** The value of the Host field. */
  readonly host: string;
  /** The request target: path and query. */
  readonly path: string;
  /** The value of an Authorization field for the URL's user information, if it has any. */
  readonly authorization: string | undefined;
}

/**
 * Checks the options of `connect` and fills in the defaults of both sides.
 *
 * @throws {TypeError | RangeError} When a name is unknown, or a value of the wrong type or range.
 */
export function connectRules<T>(options: ConnectOptions<T>): ConnectionRules {
  checkNames("The options of connect", options, CONNECT_OPTION_NAMES);
  checkHandlers(options);
  checkType("reconnect", options.reconnect, "boolean");
  checkType("origin", options.origin, "string");
  checkInteger("handshakeTimeout", options.handshakeTimeout, 0, MAX_INT32, "milliseconds");
  checkSignal(options.signal);
  checkType("dial", options.dial, "function");
  if (options.proxy !== undefined) checkProxy(options);
  const headers: unknown = options.headers;
  if (headers !== undefined && (typeof headers !== "object" || headers === null)) {
    throw wrongType("headers", "header fields", options.headers);
  }
  if (options.tls !== undefined) checkTls(options.tls);
  return connectionRules(options, false);
}

function checkProxy<T>(options: ConnectOptions<T>): void {
  if (options.dial !== undefined) {
    throw new TypeError('Option "proxy" cannot be given together with "dial"');
  }
  // A function is asked, and what it gives is checked, once the URL is known.
  if (typeof options.proxy !== "function") findProxy(options.proxy, "");
}

function checkTls(tls: TlsClientOptions): void {
  const names = ["caCerts", "cert", "key", "serverName", "rejectUnauthorized"];
  checkNames('Option "tls"', tls, names);
  const { caCerts } = tls as { caCerts?: unknown };
  const isList = Array.isArray(caCerts) && caCerts.every((item) => typeof item === "string");
  if (caCerts !== undefined && !isList) {
    throw wrongType("tls.caCerts", "an array of PEM strings", caCerts);
  }
  for (const name of ["cert", "key", "serverName"] as const) {
    checkType(`tls.${name}`, tls[name], "string");
  }
  checkType("tls.rejectUnauthorized", tls.rejectUnauthorized, "boolean");
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw new TypeError('Options "tls.cert" and "tls.key" must be given together');
  }
}

/**
 * Takes a URL apart. `http:` and `https:` count as `ws:` and `wss:`.
 *
 * @throws {TypeError} When it is no URL, of another scheme, or has a fragment.
 */
export function parseTarget(input: string | URL): Target {
  const url = parseUrl(input);
  if (!["ws:", "wss:", "http:", "https:"].includes(url.protocol)) {
    throw new TypeError(`The URL must begin with ws:// or wss://, got ${show(String(input))}`);
  }
  // RFC 6455 3: "Fragment identifiers are meaningless in the context of WebSocket URIs and MUST NOT
  // be used on these URIs."
  if (url.hash !== "") {
    throw new TypeError(`The URL must not have a fragment, got ${show(String(input))}`);
  }
  const secure = url.protocol === "wss:" || url.protocol === "https:";
  const path = url.pathname + url.search;
  return {
    url: `${secure ? "wss" : "ws"}://${url.host}${path}`,
    secure,
    hostname: url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname,
    port: url.port === "" ? (secure ? 443 : 80) : Number(url.port),
    host: url.host,
    path,
    authorization: basicAuthorization(url),
  };
}

function parseUrl(input: unknown): URL {
  if (input instanceof URL) return input;
  if (typeof input !== "string") {
    throw new TypeError(`The URL must be a string or a URL, got ${show(input)}`);
  }
  try {
    return new URL(input);
  } catch (cause) {
    throw new TypeError(`The URL is not valid: ${show(input)}`, { cause });
  }
}

/** RFC 7617: the user information of a URL as Basic credentials. */
function basicAuthorization(url: URL): string | undefined {
  if (url.username === "" && url.password === "") return undefined;
  const user = percentDecoded("user", url.username);
  const credentials = `${user}:${percentDecoded("password", url.password)}`;
  return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(credentials)))}`;
}

function percentDecoded(what: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TypeError(
      `The ${what} of the URL must be percent-encoded UTF-8: write % as %25`,
    );
  }
}
