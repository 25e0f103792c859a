// The option under which clients listen to topics by themselves.

import { MAX_LINE } from "../pubsub/topic_protocol.ts";
import { checkInteger, checkNames, wrongType } from "../shared/check.ts";
import type { Connection } from "../connection/connection.ts";
import { type ConnectionRules, MAX_INT32 } from "../connection/connection_options.ts";

/**
 * What clients may listen to by themselves, in the subprotocol `quickws.topics.1`.
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
 */
export interface ClientTopicsOptions<T = undefined> {
  /**
   * Decides about each topic that a client asks for; `false`, or an error, which goes to `onError`,
   * refuses it. It is not asked again for a topic that the connection listens to already.
   */
  allow(connection: Connection<T>, topic: string): boolean | Promise<boolean>;
  /**
   * Topics that one connection may listen to, those included about which `allow` has yet to decide;
   * what a client asks for beyond them is refused. Default: 100.
   */
  max?: number;
}

/** The option once checked, with its defaults and what follows from it. */
export interface ClientTopicsRules<T> {
  /** The user's part. */
  readonly options: ClientTopicsOptions<T>;
  /** See {@linkcode ClientTopicsOptions.max}. */
  readonly max: number;
  /** Bytes that a message may have without its line. */
  readonly maxMessageSize: number;
  /** What holds for messages with their lines. */
  readonly connection: ConnectionRules;
}

/**
 * Checks the option and fills in the defaults.
 *
 * @param connection What holds for connections without lines.
 * @throws {TypeError | RangeError} When it, or a part of it, is of the wrong type or out of range.
 */
export function clientTopicsRules<T>(
  options: ClientTopicsOptions<T> | undefined,
  connection: ConnectionRules,
): ClientTopicsRules<T> | undefined {
  if (options === undefined) return undefined;
  checkNames('Option "clientTopics"', options, ["allow", "max"]);
  const { allow, max }: { allow?: unknown; max?: number } = options;
  if (typeof allow !== "function") throw wrongType("clientTopics.allow", "a function", allow);
  checkInteger("clientTopics.max", max, 1, MAX_INT32, "topics");
  const { maxMessageSize, whenCompressed } = connection;
  // The line is no part of the user's message: it has to fit in beside the largest one.
  const withLine = { maxMessageSize: Math.min(MAX_INT32, Math.max(MAX_LINE, maxMessageSize + 1)) };
  return {
    options,
    max: max ?? 100,
    maxMessageSize,
    connection: {
      ...connection,
      ...withLine,
      whenCompressed: { ...whenCompressed, ...withLine },
    },
  };
}
