// The report of a limit that was reached, as the option `onLimit` receives it.

import type { Connection } from "./connection.ts";

/**
 * A limit that was reached: the argument of `onLimit`.
 *
 * @category Connection
 */
export interface LimitReport<C = Connection<unknown>> {
  /** The option that sets the limit: the first two on a server, the last on a reconnecting client. */
  readonly limit:
    | "maxConnections"
    | "maxConnectionsPerAddress"
    | "unreadTimeout"
    | "memoryLimit"
    | "rateLimit"
    | "reconnect.maxQueue";
  /** The value of the option; of `rateLimit`, its `messages` or `bytes`. */
  readonly max: number;
  /**
   * The value that exceeds it: the number of connections including the new one, or the bytes of the queue
   * with the message that is dropped. Of the other limits it is `max`.
   */
  readonly value: number;
  /** The address of the peer; empty where there is none. */
  readonly remoteAddress: string;
  /** Whether the limit was enforced; `false` with `reportOnly`, and with `onExceed: "report"`. */
  readonly enforced: boolean;
  /**
   * The connection, if the limit concerns an open one; for reconnecting clients, the reconnecting
   * connection.
   */
  readonly connection?: C;
}
