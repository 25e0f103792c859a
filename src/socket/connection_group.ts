// The connections of one server, whichever way they came in.

import { PreparedMessage } from "../message/prepared_message.ts";
import { checkInteger, checkNames } from "./check.ts";
import type { Connection } from "./connection.ts";
import { MAX_INT32 } from "./connection_options.ts";
import { prepareMessage } from "./prepare.ts";
import type { ServerCore } from "./server_core.ts";

/** How a server is shut down. */
export interface ShutdownOptions {
  /**
   * Milliseconds that connections have for the closing handshake before they are cut. Default: the
   * option `closeTimeout` of `serve`.
   */
  timeout?: number;
}

/** Whom a broadcast leaves out. */
export interface BroadcastOptions<T = unknown> {
  /** The connection that does not get it, such as the one it came from. */
  except?: Connection<T>;
}

/**
 * All connections that one set of options let in.
 *
 * @example
 * ```ts
 * import { connect, type ConnectionGroup, serve } from "@quickws/quickws";
 *
 * function tell<T>(group: ConnectionGroup<T>, news: string): void {
 *   console.log(`told ${group.broadcast(news)} of ${group.connections}`); // told 1 of 1
 * }
 *
 * await using server = await serve({ port: 0 });
 * await using conn = await connect(server.url);
 * tell(server, "hello");
 * for await (const data of conn) {
 *   console.log(data); // hello
 *   break;
 * }
 * ```
 */
export abstract class ConnectionGroup<T> {
  readonly #core: ServerCore<T>;

  /** @internal Groups come from `serve`, `attach` and `createUpgrader`. */
  constructor(core: ServerCore<T>) {
    this.#core = core;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#core.connections;
  }

  /** Resolves, and never rejects, when the server has shut down and its last connection is gone. */
  get finished(): Promise<void> {
    return this.#core.finished;
  }

  /** Iterates over the connections that are open. */
  clients(): IterableIterator<Connection<T>> {
    return this.#core.clients();
  }

  /**
   * Sends a message to all open connections, encoded once.
   *
   * @param data A string is sent as text, bytes as binary; or what `prepareMessage` made of them.
   * @param options Whom to leave out.
   * @returns To how many connections it was sent.
   * @throws {TypeError} When the data is of another type, or an option unknown.
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
   * Stops accepting, closes all connections with 1001 (RFC 6455 section 7.4.1), waits for them, and
   * cuts those that take too long. Resolves when all is over; a second call waits for the same end.
   *
   * @throws {TypeError | RangeError} When the timeout is not a number of milliseconds.
   */
  shutdown(options: ShutdownOptions = {}): Promise<void> {
    checkNames("The options of shutdown", options, ["timeout"]);
    checkInteger("timeout", options.timeout, 0, MAX_INT32, "milliseconds");
    this.#core.shutdown(options.timeout);
    return this.#core.finished;
  }

  /** {@linkcode Server.shutdown} with the default timeout. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }
}
