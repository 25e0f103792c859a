/**
 * Topics across processes and machines over NATS: a backplane on your own connection.
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

import type { Backplane } from "./backplane/backplane.ts";
import {
  isStreamName,
  isSubjectPrefix,
  type NatsConnection,
  type NatsHeaders,
  type NatsMessage,
  type NatsSubscription,
  streamOfPrefix,
} from "./backplane/nats/connection.ts";
import { NatsBackplane } from "./backplane/nats/nats_backplane.ts";

export type {
  Backplane,
  BackplaneHistory,
  BackplaneSink,
  HistoryLimits,
  HistoryPage,
  NumberedMessage,
  ReadLimit,
} from "./backplane/backplane.ts";
export type { NatsConnection, NatsHeaders, NatsMessage, NatsSubscription };

/**
 * Options of {@linkcode natsBackplane}.
 *
 * @category Backplanes
 */
export interface NatsBackplaneOptions {
  /**
   * The prefix of all subjects: one or more names of letters, digits, `_` and `-`, each followed by a
   * dot. Backplanes with different prefixes never exchange messages. Default: `"quickws."`.
   */
  prefix?: string | undefined;
  /**
   * The JetStream stream that stores messages for the option `history` of `serve`. It is created if
   * missing and updated if its limits differ; a stream with other subjects is an error. Default:
   * the prefix without its last dot, with `=` for any other dot.
   */
  stream?: string | undefined;
  /** Where the stream stores messages. Default: `"file"`. */
  storage?: "file" | "memory" | undefined;
  /** The number of stream replicas in a cluster: 1 to 5. Default: 1. */
  replicas?: number | undefined;
}

/** The limit of JetStream. */
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
 * Creates a backplane on NATS.
 *
 * The connection is shared: it stays open when the server shuts down. It reconnects automatically,
 * but by default only ten times; connect with `maxReconnectAttempts: -1` to remove that limit. The
 * maximum message size is the server's `max_payload`, by default 1 MiB.
 *
 * @param connection The result of `connect` of `@nats-io/transport-node` or `@nats-io/transport-deno`.
 * @throws {TypeError} When the connection or an option has the wrong type.
 * @throws {RangeError} When a number is out of range.
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
 *
 * @category Backplanes
 */
export function natsBackplane(
  connection: NatsConnection,
  options: NatsBackplaneOptions = {},
): Backplane {
  const { prefix = "quickws.", storage = "file", replicas = 1 } = options;
  if (!isNatsConnection(connection)) {
    throw new TypeError(
      "natsBackplane takes a connection: the result of connect of @nats-io/transport-node or -deno",
    );
  }
  if (typeof prefix !== "string" || !isSubjectPrefix(prefix)) {
    throw new TypeError(
      `Option "prefix" must be names of A-Z, a-z, 0-9, _ and -, each followed by a dot, got ${prefix}`,
    );
  }
  const { stream = streamOfPrefix(prefix) } = options;
  if (options.stream !== undefined && (typeof stream !== "string" || !isStreamName(stream))) {
    throw new TypeError(`Option "stream" must be a name of A-Z, a-z, 0-9, _ and -, got ${stream}`);
  }
  if (storage !== "file" && storage !== "memory") {
    throw new TypeError(`Option "storage" must be "file" or "memory", got ${storage}`);
  }
  if (!Number.isInteger(replicas) || replicas < 1 || replicas > MAX_REPLICAS) {
    throw new RangeError(`Option "replicas" must be 1 to ${MAX_REPLICAS}, got ${replicas}`);
  }
  return new NatsBackplane(connection, prefix, { stream, storage, replicas });
}

function isNatsConnection(connection: unknown): boolean {
  if (typeof connection !== "object" || connection === null) return false;
  const members = connection as Record<string, unknown>;
  return METHODS.every((name) => typeof members[name] === "function");
}
