// The option `clientTopics`: clients that subscribe to topics themselves.

import { MAX_LINE } from "./protocol.ts";
import { checkInteger, checkNames, wrongType } from "../shared/check.ts";
import type { Connection } from "../connection/connection.ts";
import { type ConnectionRules, MAX_INT32 } from "../connection/connection_options.ts";

/**
 * Which topics clients may subscribe to themselves, in the subprotocol `quickws.topics.1`.
 *
 * @example
 * ```ts
 * import { type ClientTopicsOptions, serve } from "@quickws/quickws";
 *
 * const clientTopics: ClientTopicsOptions = { allow: (_, topic) => topic.startsWith("public/") };
 * await using server = await serve({ port: 0, clientTopics });
 *
 * const socket = new WebSocket(server.url, "quickws.topics.1");
 * socket.onopen = () => socket.send('{"subscribe":"public/news"}\n');
 * const { data } = await new Promise<MessageEvent>((resolve) => socket.onmessage = resolve);
 * console.log(data); // {"subscribed":"public/news"}
 * socket.close();
 * ```
 *
 * @category Pub/sub
 */
export interface ClientTopicsOptions<T = undefined> {
  /**
   * Decides about each topic that a client requests. `false`, or an error, which is passed to `onError`,
   * refuses it. It is not called for a topic that the connection is subscribed to already.
   */
  allow(connection: Connection<T>, topic: string): boolean | Promise<boolean>;
  /**
   * Topics that one connection may be subscribed to, including those for which `allow` is pending; more
   * are refused. Default: 100.
   */
  max?: number | undefined;
  /**
   * Subscriptions, and resumptions after a number, per second of one connection, after a burst of twice
   * `max`, at least 100. More are delayed, and count towards `max` meanwhile. 0 disables the limit.
   * Default: 20.
   */
  subscribeRate?: number | undefined;
}

/** The checked option, with its defaults. */
export interface ClientTopicsRules<T> {
  /** The user's functions. */
  readonly options: ClientTopicsOptions<T>;
  /** See {@linkcode ClientTopicsOptions.max}. */
  readonly max: number;
  /** See {@linkcode ClientTopicsOptions.subscribeRate}. */
  readonly subscribeRate: number;
  /** The most bytes of a message without its line. */
  readonly maxMessageSize: number;
  /** The rules for messages with their lines. */
  readonly connection: ConnectionRules;
}

/**
 * Checks the option and fills in the defaults.
 *
 * @param connection The rules for connections without the subprotocol.
 * @throws {TypeError | RangeError} When a part of it is of the wrong type or out of range.
 */
export function clientTopicsRules<T>(
  options: ClientTopicsOptions<T> | undefined,
  connection: ConnectionRules,
): ClientTopicsRules<T> | undefined {
  if (options === undefined) return undefined;
  checkNames('Option "clientTopics"', options, ["allow", "max", "subscribeRate"]);
  const { allow, max, subscribeRate }: Omit<typeof options, "allow"> & { allow?: unknown } =
    options;
  if (typeof allow !== "function") throw wrongType("clientTopics.allow", "a function", allow);
  checkInteger("clientTopics.max", max, 1, MAX_INT32, "topics");
  checkInteger(
    "clientTopics.subscribeRate",
    subscribeRate,
    0,
    MAX_INT32,
    "subscriptions per second",
  );
  const { maxMessageSize, whenCompressed } = connection;
  // The line is not part of the user's message, and must fit beside the largest one.
  const withLine = { maxMessageSize: Math.min(MAX_INT32, Math.max(MAX_LINE, maxMessageSize + 1)) };
  return {
    options,
    max: max ?? 100,
    subscribeRate: subscribeRate ?? 20,
    maxMessageSize,
    connection: {
      ...connection,
      ...withLine,
      whenCompressed: { ...whenCompressed, ...withLine },
    },
  };
}
