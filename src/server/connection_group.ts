// The connections of one server, however accepted.

import { PreparedMessage } from "../message/prepared_message.ts";
import { checkNames } from "../shared/check.ts";
import type { Connection } from "../connection/connection.ts";
import {
  checkPublishOptions,
  checkTopic,
  prepareMessage,
  type PublishOptions,
  type PublishResult,
} from "../connection/arguments.ts";
import type { ServerCore, ServerStats } from "./server_core.ts";
import { checkShutdownOptions, type ShutdownOptions } from "./shutdown.ts";

/**
 * The options of a broadcast.
 *
 * @category Pub/sub
 */
export interface BroadcastOptions<T = unknown> {
  /** The connection to exclude, such as the sender. */
  except?: Connection<T> | undefined;
}

/**
 * Options of `server.publish`.
 *
 * @category Pub/sub
 */
export interface ServerPublishOptions<T = unknown> extends PublishOptions {
  /** The connection to exclude, such as the sender. */
  except?: Connection<T> | undefined;
}

/**
 * All connections accepted with one set of options.
 *
 * @example
 * ```ts
 * import { connect, type ConnectionGroup, serve } from "@quickws/quickws";
 *
 * function announce<T>(group: ConnectionGroup<T>, news: string): void {
 *   console.log(`sent to ${group.broadcast(news)} of ${group.connections}`); // sent to 1 of 1
 * }
 *
 * await using server = await serve({ port: 0 });
 * await using conn = await connect(server.url);
 * announce(server, "hello");
 * for await (const data of conn) {
 *   console.log(data); // hello
 *   break;
 * }
 * ```
 *
 * @category Server
 */
export abstract class ConnectionGroup<T> {
  readonly #core: ServerCore<T>;

  /** @internal Created by `serve`, `attach` and `createUpgrader`. */
  constructor(core: ServerCore<T>) {
    this.#core = core;
  }

  /** The number of open connections. */
  get connections(): number {
    return this.#core.connections;
  }

  /** Resolves, and never rejects, when the server has shut down and its last connection has closed. */
  get finished(): Promise<void> {
    return this.#core.finished;
  }

  /** Current numbers, and totals since the start. */
  stats(): ServerStats {
    return this.#core.stats();
  }

  /** Iterates over the open connections. */
  clients(): IterableIterator<Connection<T>> {
    return this.#core.clients();
  }

  /**
   * Sends a message to all open connections, encoded once.
   *
   * @param data A string is sent as text, bytes as binary; or a prepared message
   * (`prepareMessage`).
   * @param options The connection to exclude.
   * @returns The number of receiving connections.
   * @throws {TypeError} When the data has another type, or an option is unknown.
   */
  broadcast(
    data: string | Uint8Array | ArrayBuffer | PreparedMessage,
    options: BroadcastOptions<T> = {},
  ): number {
    checkNames("The options of broadcast", options, ["except"]);
    const message = data instanceof PreparedMessage ? data : prepareMessage(data);
    let count = 0;
    for (const connection of this.#core.clients()) {
      if (connection === options.except || connection.readyState !== "open") continue;
      connection.sendPrepared(message);
      count++;
    }
    return count;
  }

  /**
   * Sends a message to the subscribers of a topic, encoded once (and compressed once per negotiated
   * compression).
   *
   * @param topic The topic.
   * @param data A string is sent as text, bytes as binary; or a prepared message
   * (`prepareMessage`).
   * @param options The connection to exclude, and the policy for slow connections.
   * @returns The number of connections for each outcome.
   * @throws {TypeError} When the data or an option has another type, or an option is unknown.
   * @throws {RangeError} When the topic is empty or longer than 1024 bytes.
   *
   * @example
   * ```ts
   * import { serve } from "@quickws/quickws";
   *
   * await using server = await serve({
   *   port: 0,
   *   open: (conn) => void conn.subscribe("prices"),
   * });
   * const price = JSON.stringify({ symbol: "ACME", price: 42 });
   * const { sent, waiting, replaced } = server.publish("prices", price, {
   *   onSlow: "conflate",
   *   key: "ACME",
   * });
   * console.log(sent, waiting, replaced);
   * ```
   */
  publish(
    topic: string,
    data: string | Uint8Array | ArrayBuffer | PreparedMessage,
    options: ServerPublishOptions<T> = {},
  ): PublishResult {
    checkTopic(topic);
    checkPublishOptions(options, ["except", "onSlow", "key"]);
    const { except } = options;
    const excluded = except === undefined ? undefined : this.#core.driverOf(except);
    return this.#core.topics.publish(topic, data, options, excluded);
  }

  /**
   * The number of subscribers of a topic.
   *
   * @throws {TypeError | RangeError} Unless it is a valid topic name.
   */
  subscribers(topic: string): number {
    checkTopic(topic);
    return this.#core.topics.count(topic);
  }

  /**
   * Stops accepting immediately, closes all connections with 1001 (RFC 6455 section 7.4.1) and
   * waits for them. Accepted messages are delivered first. A connection without progress for
   * `timeout` milliseconds is cut. Resolves when everything has ended. A second call without
   * `drainPeriod` ends the drain period of the first, and waits too.
   *
   * @throws {TypeError | RangeError} When an option is unknown, has another type or is out of
   *   range.
   */
  shutdown(options: ShutdownOptions = {}): Promise<void> {
    checkShutdownOptions(options);
    this.#core.shutdown(options);
    return this.#core.finished;
  }

  /** {@linkcode Server.shutdown} with the default timeout. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }
}
