// What a node of a fleet is told, as JSON in its first argument. A node lets every connection listen to
// the topic `all`, and publishes there what any of them sends.

import process from "node:process";

/** Where the engine is that joins the nodes. */
export interface NodeSettings {
  /** Its kind; the peers know Redis only. */
  engine: "redis" | "nats";
  /** Its address, as the engine's clients take it. */
  url: string;
  /** Our node only: the engine keeps a history. */
  history?: boolean;
}

/** The settings of this process. */
export const settings: NodeSettings = JSON.parse(process.argv[2] ?? "null");

// Profilers write what they found when the process ends by itself.
process.on("SIGINT", () => process.exit(0));
