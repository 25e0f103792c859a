// `connect` with the option `reconnect`: options, validation and the resulting connection.

import type { Network } from "../transport/transport.ts";
import { ConnectionError } from "../errors.ts";
import { MAX_LINE, TOPICS_SUBPROTOCOL } from "../pubsub/protocol.ts";
import { checkType, headerLines, wrongType } from "../shared/check.ts";
import { reasonOf } from "../shared/explain.ts";
import { untilAborted } from "../shared/user_code.ts";
import { connectOver } from "../client/connect.ts";
import { type ConnectOptions, connectRules } from "../client/connect_options.ts";
import { parseTarget } from "../client/url.ts";
import { MAX_INT32 } from "../connection/connection_options.ts";
import { checkHandlers, type Handlers } from "../connection/handlers.ts";
import { MessageQueue } from "../connection/incoming.ts";
import { checkCloseArguments } from "../connection/arguments.ts";
import type { ReconnectingConnection } from "./connection.ts";
import {
  type ReconnectingHandlers,
  type ReconnectingRules,
  type ReconnectOptions,
  reconnectRules,
} from "./options.ts";
import { type ReadControl, Reconnector, type ReconnectorPort } from "./reconnector.ts";

/**
 * A URL, or a function that returns one for each attempt, for example with a fresh token or another
 * server.
 *
 * @category Client
 */
export type ReconnectingUrl = string | URL | (() => string | URL | Promise<string | URL>);

/**
 * The options of `connect` for a reconnecting connection. Here `pingInterval` defaults to 20000 and
 * `pongTimeout` to 10000, to detect a dead network. `signal` only cancels the opening of the first
 * connection; `reconnect.signal` cancels everything.
 *
 * @category Client
 */
export interface ReconnectingConnectOptions<T = undefined>
  extends
    Omit<ConnectOptions<T>, keyof Handlers | "onError" | "onLimit" | "reconnect">,
    ReconnectingHandlers<T> {
  /** When and how often to reconnect; `true` for all defaults. */
  reconnect: true | ReconnectOptions;
}

/**
 * The options of `connect` when `reconnect` is only known at run time. Options for reconnection
 * have no effect if it is `false`.
 *
 * @category Client
 */
export interface EitherConnectOptions<T = undefined>
  extends Omit<ReconnectingConnectOptions<T>, "reconnect"> {
  /** When and how often to reconnect, if at all. */
  reconnect: boolean | ReconnectOptions | undefined;
}

/** The default time between two pings, in milliseconds. */
const PING_INTERVAL = 20_000;
/** The default limit of silence after a ping, in milliseconds. */
const PONG_TIMEOUT = 10_000;

/**
 * Checks the options of a reconnecting connection.
 *
 * @throws {TypeError | RangeError} When a name is unknown, or a value has the wrong type or range.
 */
export function reconnectingRules<T>(options: ReconnectingConnectOptions<T>): ReconnectingRules<T> {
  const { reconnect: given, ...others } = options;
  if (given !== true && (typeof given !== "object" || given === null)) {
    throw wrongType("reconnect", "a boolean or an object", given);
  }
  const reconnect = reconnectRules(given);
  const {
    open,
    message,
    topicMessage,
    reconnecting,
    reconnected,
    ping,
    pong,
    drain,
    close,
    onError,
    onLimit,
    ...rest
  } = others;
  checkHandlers({ open, message, ping, pong, drain, close } as Handlers);
  checkType("topicMessage", topicMessage, "function");
  checkType("reconnecting", reconnecting, "function");
  checkType("reconnected", reconnected, "function");
  checkType("onError", onError, "function");
  checkType("onLimit", onLimit, "function");
  const { data: _, signal, ...shared } = rest;
  const { pingInterval = PING_INTERVAL } = rest;
  const connect: ConnectOptions = {
    ...shared,
    pingInterval,
    pongTimeout: rest.pongTimeout ?? (pingInterval > 0 ? PONG_TIMEOUT : 0),
  };
  connectRules({ ...connect, signal });
  return {
    reconnect,
    handlers: options,
    connect: reconnect.topics ? withTopics(connect) : connect,
  };
}

function withTopics(options: ConnectOptions): ConnectOptions {
  const { subprotocols, maxMessageSize = 16 << 20 } = options;
  if (subprotocols !== undefined) {
    throw new TypeError(
      'Option "subprotocols" cannot be given together with "reconnect.topics", which sets the subprotocol',
    );
  }
  return {
    ...options,
    subprotocols: [TOPICS_SUBPROTOCOL],
    // The preceding line is not part of the message.
    maxMessageSize: Math.min(maxMessageSize + MAX_LINE, MAX_INT32),
  };
}

/**
 * Opens a reconnecting connection over `network`.
 *
 * @throws {TypeError | RangeError} When the URL or an option is wrong; the promise rejects with it.
 * @throws {unknown} The error of the last attempt, if no connection could be opened.
 */
// deno-lint-ignore require-await -- rejects if an option is wrong
export async function connectReconnecting<T>(
  network: Network,
  url: ReconnectingUrl,
  options: ReconnectingConnectOptions<T>,
): Promise<ReconnectingConnection<T>> {
  const rules = reconnectingRules(options);
  const isFunction = typeof url === "function";
  const shown = isFunction ? "" : parseTarget(url).url;
  const { headers } = options;
  // The first attempt would exhaust an iterator.
  const lines = typeof headers === "function" ? undefined : headers && [...headerLines(headers)!];
  const dial = async (
    connectOptions: ConnectOptions,
    created: (control: ReadControl) => void,
  ): ReturnType<typeof connectOver<undefined>> => {
    const { signal } = connectOptions;
    const target = isFunction ? await called("url", url, signal) : url;
    const fields = typeof headers === "function" ? await called("headers", headers, signal) : lines;
    const attempt = fields === undefined ? connectOptions : { ...connectOptions, headers: fields };
    return await connectOver(network, target, attempt, created);
  };
  const port: ReconnectorPort = {
    dial,
    createQueue: (owner) => new MessageQueue(owner),
    checkClose: checkCloseArguments,
    fail: (connection, error) => connection.close(error.closeCode, error.message),
  };
  return new Reconnector(port, shown, rules, options.data as T).start(options.signal);
}

/**
 * Calls a user function for an attempt. Its failure, for example of a token request, fails the
 * attempt, so that another one follows.
 */
async function called<R>(
  name: string,
  give: () => R | Promise<R>,
  signal: AbortSignal | undefined,
): Promise<R> {
  try {
    return await untilAborted(Promise.resolve(give()), signal);
  } catch (cause) {
    const message = `Cannot connect: the function "${name}" has failed: ${reasonOf(cause)}`;
    throw new ConnectionError("CONNECT_FAILED", message, { cause });
  }
}
