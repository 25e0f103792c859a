/**
 * Topics across processes and machines by way of NATS: a backplane from the connection that you have.
 *
 * @example
 * ```ts ignore
 * import { connect } from "@nats-io/transport-node"; // or @nats-io/transport-deno
 * import { serve } from "@quickws/quickws";
 * import { natsBackplane } from "@quickws/quickws/nats";
 *
 * const nats = await connect({ servers: "127.0.0.1:4222", maxReconnectAttempts: -1 });
 * await serve({
 *   port: 8080,
 *   backplane: natsBackplane(nats),
 *   open: (conn) => void conn.subscribe("news"),
 *   message: (conn, data) => void conn.publish("news", data),
 * });
 * ```
 *
 * @module
 */

import type {
  NatsConnection,
  NatsHeaders,
  NatsMessage,
  NatsSubscription,
} from "./backplane/nats/clients.ts";
import { NatsBackplane } from "./backplane/nats/nats_backplane.ts";
import { isSubjectPrefix, isToken } from "./backplane/nats/subject.ts";
import type { Backplane } from "./pubsub/backplane.ts";

export type {
  Backplane,
  BackplaneHistory,
  BackplaneSink,
  HistoryPage,
  NumberedMessage,
  ResumeOptions,
} from "./pubsub/backplane.ts";
export type { NatsConnection, NatsHeaders, NatsMessage, NatsSubscription };

/** How NATS is used. */
export interface NatsBackplaneOptions {
  /**
   * What stands before all subjects: one or more names of letters, digits, `_` and `-`, each with a dot
   * behind it. Default: `"quickws."`.
   */
  prefix?: string;
  /**
   * The stream of JetStream that keeps messages where `serve` has `resume`; it is made where there is
   * none, and made to fit where there is one. Default: the prefix, without the dot at its end and with
   * `_` for any other.
   */
  stream?: string;
  /** Where the stream keeps them. Default: `"file"`. */
  storage?: "file" | "memory";
  /** On how many servers of a cluster the stream keeps them: 1 to 5. Default: 1. */
  replicas?: number;
}

/** What JetStream allows. */
const MAX_REPLICAS = 5;

const METHODS = [
  "publish",
  "subscribe",
  "request",
  "flush",
  "status",
  "closed",
  "isClosed",
] as const;

/**
 * Makes a backplane that carries messages by way of NATS.
 *
 * The connection is yours: it is shared, and stays open when the server is shut down. When it is lost
 * it connects anew by itself, but by default only ten times; `maxReconnectAttempts: -1` makes it go on.
 * A message may be as large as the server's `max_payload` allows, by default 1 MiB.
 *
 * @param connection What `connect` of `@nats-io/transport-node` or `@nats-io/transport-deno` gives.
 * @throws {TypeError} When the connection or an option is of the wrong kind.
 * @throws {RangeError} When a number is not one of those allowed.
 *
 * @example
 * ```ts ignore
 * import { connect } from "@nats-io/transport-node";
 * import { serve } from "@quickws/quickws";
 * import { natsBackplane } from "@quickws/quickws/nats";
 *
 * const nats = await connect({ servers: "127.0.0.1:4222", maxReconnectAttempts: -1 });
 * await serve({ port: 8080, backplane: natsBackplane(nats, { prefix: "shop." }) });
 * ```
 */
export function natsBackplane(
  connection: NatsConnection,
  options: NatsBackplaneOptions = {},
): Backplane {
  const { prefix = "quickws.", storage = "file", replicas = 1 } = options;
  if (!isNatsConnection(connection)) {
    throw new TypeError(
      "natsBackplane takes what connect of @nats-io/transport-node or @nats-io/transport-deno gives",
    );
  }
  if (typeof prefix !== "string" || !isSubjectPrefix(prefix)) {
    throw new TypeError(
      `Option "prefix" must be names of A-Z, a-z, 0-9, _ and -, each with a dot behind it, not ${prefix}`,
    );
  }
  const { stream = prefix.slice(0, -1).replaceAll(".", "_") } = options;
  if (typeof stream !== "string" || !isToken(stream)) {
    throw new TypeError(`Option "stream" must be a name of A-Z, a-z, 0-9, _ and -, not ${stream}`);
  }
  if (storage !== "file" && storage !== "memory") {
    throw new TypeError(`Option "storage" must be "file" or "memory", not ${storage}`);
  }
  if (!Number.isInteger(replicas) || replicas < 1 || replicas > MAX_REPLICAS) {
    throw new RangeError(`Option "replicas" must be 1 to ${MAX_REPLICAS}, not ${replicas}`);
  }
  return new NatsBackplane(connection, prefix, { stream, storage, replicas });
}

function isNatsConnection(connection: unknown): boolean {
  if (typeof connection !== "object" || connection === null) return false;
  const members = connection as Record<string, unknown>;
  return METHODS.every((name) => typeof members[name] === "function");
}
