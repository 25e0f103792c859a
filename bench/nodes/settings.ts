// The settings of a fleet's node, passed as JSON in its first argument. A node subscribes every
// connection to the topic `all` and publishes received messages to it.

import process from "node:process";

/** The broker that connects the nodes. */
export interface NodeSettings {
  /** Its kind. The peers support only Redis. */
  broker: "redis" | "nats";
  /** Its URL. */
  url: string;
  /** quickws only: the broker keeps a history. */
  history?: boolean;
}

/** The settings of this process. */
export const settings: NodeSettings = JSON.parse(process.argv[2] ?? "null");

// Exit normally, because profilers write their results on exit.
process.on("SIGINT", () => process.exit(0));
