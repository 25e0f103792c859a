// The parts of a server that only some options need. `serve` loads those when it is called;
// `createUpgrader` and `createSockets`, which return at once, cannot.

import type { Relay } from "../backplane/relay.ts";
import type { CompressionFactory } from "../connection/compression.ts";
import type { ServeRules } from "./serve_options.ts";

/** The parts of a server that only some options need. */
export interface ServerParts {
  /** For the option `compression`. */
  readonly compressionFor?: CompressionFactory | undefined;
  /** For the option `backplane`. */
  readonly Relay?: typeof Relay | undefined;
}

/** Loads the parts that these options need. */
export async function loadParts<T>({ connection, options }: ServeRules<T>): Promise<ServerParts> {
  const [compression, relay] = await Promise.all([
    connection.compression && import("../connection/compression.ts"),
    options.backplane && import("../backplane/relay.ts"),
  ]);
  return { compressionFor: compression?.compressionFor, Relay: relay?.Relay };
}
