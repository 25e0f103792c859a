// The options of `connect`, their defaults and validation.

import type { DialOptions, TlsClientOptions, Transport } from "../transport/transport.ts";
import {
  checkInteger,
  checkNames,
  checkSignal,
  checkType,
  type HeaderFieldsInit,
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
import { isHost } from "../handshake/outgoing.ts";
import { parseIpAddress } from "../handshake/ip_address.ts";
import { isPromiseLike } from "../shared/user_code.ts";
import type { Connection } from "../connection/connection.ts";
import type { AnyMessage, Message } from "../connection/connection_driver.ts";
import {
  checkHandlers,
  type Handler,
  HANDLER_NAMES,
  type Handlers,
  type LimitReport,
} from "../connection/handlers.ts";
import type { ProxyOption } from "./proxy.ts";

/**
 * The options of `connect`.
 *
 * @category Client
 */
export interface ConnectOptions<T = undefined, M extends AnyMessage = Message>
  extends ConnectionOptions, Handlers<T, M> {
  /**
   * Additional header fields of the request, such as `Authorization` or `Cookie`, or a function
   * that returns them or a promise of them. It is called for each attempt, for example to get a
   * fresh token.
   */
  headers?: HeaderFieldsInit | (() => HeaderFieldsInit | Promise<HeaderFieldsInit>) | undefined;
  /** The `Origin` to send. Default: none, as usual outside browsers. */
  origin?: string | undefined;
  /** The value of the `Host` field, a host with or without a port. Default: that of the URL. */
  host?: string | undefined;
  /**
   * The path of a unix socket to connect to. The URL then only determines the path, the query and
   * the `Host` field. Not needed for the `url` of a server on a unix socket. Default: none.
   */
  unix?: string | undefined;
  /**
   * Milliseconds for the whole opening: name lookup, connecting, TLS and the server's response;
   * 0 disables the limit. Default: 30000.
   */
  handshakeTimeout?: number | undefined;
  /** The largest head of the server's response, in bytes: 256 to 2147483647. Default: 16384. */
  maxHandshakeSize?: number | undefined;
  /** Cancels the opening of the connection; has no effect on an open one. */
  signal?: AbortSignal | undefined;
  /**
   * The TLS options of a `wss://` server. `caCerts` and `rejectUnauthorized` also apply to an
   * `https://` proxy; the client certificate is sent to the server only.
   */
  tls?: TlsClientOptions | undefined;
  /**
   * Connects through a proxy: `http://` and `https://` (CONNECT), `socks5://` (names are looked up
   * here) and `socks5h://` (by the proxy), user and password in the URL, percent-encoded. A function
   * decides for each URL; `undefined` is a direct connection. Not together with `dial`. Default:
   * none.
   */
  proxy?: ProxyOption | undefined;
  /** Replaces the network: opens any stream, such as a tunnel or an in-memory pipe in a test. */
  dial?: ((address: DialOptions) => Promise<Transport>) | undefined;
  /**
   * The error handler: called once for each error that a handler or another callback of the
   * application throws or rejects with. Default: `console.error`.
   */
  onError?: Handler<[error: unknown, connection?: Connection<T>]> | undefined;
  /**
   * Called when the connection reaches `rateLimit`, `unreadTimeout` or `memoryLimit`. Errors that
   * it throws go to `onError`. Default: none.
   */
  onLimit?: Handler<[report: LimitReport<Connection<T>>]> | undefined;
  /** The initial value of `connection.data`. */
  data?: T | undefined;
  /**
   * Reconnects when the connection is lost: `true`, or {@linkcode ReconnectOptions}; `connect` then
   * resolves to a {@linkcode ReconnectingConnection}. Default: `false`.
   */
  reconnect?: false | undefined;
}

const CONNECT_OPTION_NAMES = [
  "headers",
  "origin",
  "host",
  "unix",
  "handshakeTimeout",
  "maxHandshakeSize",
  "signal",
  "tls",
  "proxy",
  "dial",
  "data",
  "onError",
  "onLimit",
  "reconnect",
  ...CONNECTION_OPTION_NAMES,
  ...HANDLER_NAMES,
] as const;

/**
 * Checks the options of `connect` and fills in the defaults of both sides.
 *
 * @throws {TypeError | RangeError} When a name is unknown, or a value has the wrong type or range.
 */
export function connectRules<T>(options: ConnectOptions<T>): ConnectionRules {
  checkNames("The options of connect", options, CONNECT_OPTION_NAMES);
  checkHandlers(options);
  checkType("reconnect", options.reconnect, "boolean");
  checkType("origin", options.origin, "string");
  checkType("host", options.host, "string");
  if (options.host !== undefined && !isHost(options.host)) {
    throw wrongType("host", "a host name or address, with or without a port", options.host);
  }
  checkType("unix", options.unix, "string");
  if (options.unix === "") throw wrongType("unix", "the path of a socket", "");
  checkInteger("handshakeTimeout", options.handshakeTimeout, 0, MAX_INT32, "milliseconds");
  checkInteger("maxHandshakeSize", options.maxHandshakeSize, 256, MAX_INT32, "bytes");
  checkSignal(options.signal);
  checkType("dial", options.dial, "function");
  checkType("onError", options.onError, "function");
  checkType("onLimit", options.onLimit, "function");
  if (options.proxy !== undefined) checkProxy(options);
  checkHeaders(options.headers);
  if (options.tls !== undefined) checkTls(options.tls);
  return connectionRules(options, false);
}

/** Its URL may contain a password and is checked where it is used. */
function checkProxy<T>(options: ConnectOptions<T>): void {
  for (const other of ["dial", "unix"] as const) {
    if (options[other] !== undefined) {
      throw new TypeError(`Option "proxy" cannot be given together with "${other}"`);
    }
  }
}

/** @throws {TypeError} Unless they can be header fields. The message omits possible secrets. */
function checkHeaders(headers: unknown): void {
  if (headers === undefined || typeof headers === "function") return;
  if (typeof headers === "object" && headers !== null && !isPromiseLike(headers)) return;
  throw new TypeError(
    'Option "headers" must be header fields (an object, a Headers, pairs) or a function that returns ' +
      `them, got ${typeof headers === "string" ? "a string" : show(headers)}`,
  );
}

function checkTls(tls: TlsClientOptions): void {
  const names = ["caCerts", "cert", "key", "passphrase", "serverName", "rejectUnauthorized"];
  checkNames('Option "tls"', tls, names);
  const { caCerts } = tls as { caCerts?: unknown };
  const isList = Array.isArray(caCerts) && caCerts.every((item) => typeof item === "string");
  if (caCerts !== undefined && !isList) {
    throw wrongType("tls.caCerts", "an array of PEM strings", caCerts);
  }
  for (const name of ["cert", "key", "passphrase", "serverName"] as const) {
    checkType(`tls.${name}`, tls[name], "string");
  }
  checkType("tls.rejectUnauthorized", tls.rejectUnauthorized, "boolean");
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw new TypeError('Options "tls.cert" and "tls.key" must be given together');
  }
  if (tls.passphrase !== undefined && tls.key === undefined) {
    throw new TypeError('Option "tls.passphrase" needs "tls.key", the key that it decrypts');
  }
  // With an empty name, TLS libraries verify the certificate against a different name.
  const { serverName } = tls;
  if (serverName !== undefined && !isServerName(serverName)) {
    throw wrongType("tls.serverName", "a host name or an IP address", serverName);
  }
}

/** A host name, or an IP address without brackets. */
function isServerName(text: string): boolean {
  return text.includes(":") ? parseIpAddress(text) !== undefined : isHost(text);
}
