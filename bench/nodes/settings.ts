// The settings of a fleet's node, passed as JSON in its first argument. A node subscribes every
// connection to the topic `all` and publishes received messages to it.

import process from "node:process";

/** The settings of a node: its broker. */
export interface NodeSettings {
  /** The broker. The peers support only Redis. */
  broker: "redis" | "nats";
  /** The URL of the broker. */
  url: string;
  /** Only quickws: the broker keeps a history. */
  history?: boolean;
}

/** The settings of this process. */
export const settings: NodeSettings = JSON.parse(process.argv[2] ?? "null");

// Exit normally, because profilers write their results on exit.
process.on("SIGINT", () => process.exit(0));
