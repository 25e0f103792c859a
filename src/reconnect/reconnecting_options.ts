// The options of `connect` for a connection that lasts, and their check.

import { MAX_LINE, TOPICS_SUBPROTOCOL } from "../pubsub/protocol.ts";
import type { CloseInfo } from "../session/close_info.ts";
import type { MessageOpcode } from "../wire/opcode.ts";
import { checkType, wrongType } from "../shared/check.ts";
import { type ConnectOptions, connectRules } from "../client/connect_options.ts";
import type { Message } from "../connection/connection_driver.ts";
import { MAX_INT32 } from "../connection/connection_options.ts";
import { checkHandlers, type Handlers } from "../connection/handlers.ts";
import type { ReconnectingConnection } from "./reconnecting_connection.ts";
import {
  type ConnectionLoss,
  type ReconnectOptions,
  type ReconnectRules,
  reconnectRules,
} from "./reconnect_options.ts";
import type { TopicMessageInfo } from "./subscriptions.ts";

/**
 * The handlers of a connection that lasts, all optional. They are called as those of a single connection
 * are, and one that throws, or whose promise rejects, ends it all: that would come again. (`retry` can
 * decide otherwise.)
 */
export interface ReconnectingHandlers<T = unknown> {
  /**
   * A connection was opened, the first or another one. What is sent here goes before topics are subscribed
   * to anew, and before what has waited.
   */
  open?(connection: ReconnectingConnection<T>): unknown;
  /** One whole message came. Without this handler messages wait for an iterator. */
  message?(connection: ReconnectingConnection<T>, data: Message, opcode: MessageOpcode): unknown;
  /** A message came of a topic that was not subscribed to by `subscribe`, but by the server itself. */
  topicMessage?(
    connection: ReconnectingConnection<T>,
    topic: string,
    data: Message,
    about: TopicMessageInfo,
  ): unknown;
  /** A connection was lost, or an attempt failed, and there will be another one after a wait. */
  lost?(connection: ReconnectingConnection<T>, loss: ConnectionLoss): unknown;
  /** A ping came. */
  ping?(connection: ReconnectingConnection<T>, payload: Uint8Array): unknown;
  /** A pong came, asked for or not. */
  pong?(connection: ReconnectingConnection<T>, payload: Uint8Array): unknown;
  /** What waits to be sent fell back to `highWaterMark` or below, after a `send` returned `false`. */
  drain?(connection: ReconnectingConnection<T>): unknown;
  /** It is over for good. Once, if there ever was a connection, and last. */
  close?(connection: ReconnectingConnection<T>, info: CloseInfo): unknown;
  /** Called with what a handler has thrown, or rejected with, once. Default: `console.error`. */
  onError?(error: unknown, connection?: ReconnectingConnection<T>): unknown;
}

/**
 * The options of `connect` for a connection that lasts: `pingInterval` is 20000 there and `pongTimeout`
 * 10000 unless they are given, so that a network that is dead is noticed; and `signal` is for opening the
 * first connection only, that of `reconnect` for all of it.
 */
export interface ReconnectingConnectOptions<T = undefined>
  extends
    Omit<ConnectOptions<T>, keyof Handlers | "onError" | "reconnect">,
    ReconnectingHandlers<T> {
  /** How it comes back; `true`: with all defaults. */
  reconnect: true | ReconnectOptions;
}

/** The options, checked and taken apart. */
export interface ReconnectingRules<T> {
  /** How it comes back. */
  readonly reconnect: ReconnectRules;
  /** The user's handlers. */
  readonly handlers: ReconnectingHandlers<T>;
  /** The options of each connection, without handlers. */
  readonly connect: ConnectOptions;
}

/** Milliseconds between two pings, unless it is said. */
const PING_INTERVAL = 20_000;
/** Milliseconds of silence after a ping, unless it is said. */
const PONG_TIMEOUT = 10_000;

/**
 * Checks the options of a connection that lasts.
 *
 * @throws {TypeError | RangeError} When a name is unknown, or a value of the wrong type or range.
 */
export function reconnectingRules<T>(options: ReconnectingConnectOptions<T>): ReconnectingRules<T> {
  const { reconnect: given, ...others } = options;
  if (given !== true && (typeof given !== "object" || given === null)) {
    throw wrongType("reconnect", "a boolean or an object", given);
  }
  const reconnect = reconnectRules(given);
  const { open, message, topicMessage, lost, ping, pong, drain, close, onError, ...rest } = others;
  checkHandlers({ open, message, ping, pong, drain, close } as Handlers);
  checkType("topicMessage", topicMessage, "function");
  checkType("lost", lost, "function");
  checkType("onError", onError, "function");
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
      'Option "subprotocols" cannot be given together with "reconnect.topics", which is one itself',
    );
  }
  return {
    ...options,
    subprotocols: [TOPICS_SUBPROTOCOL],
    // The line in front is not the message.
    maxMessageSize: Math.min(maxMessageSize + MAX_LINE, MAX_INT32),
  };
}
