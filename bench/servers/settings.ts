// What a server of the benchmarks is told, as JSON in its first argument.

import process from "node:process";

/** How messages are compressed: each one alone, or with the window of those before. */
export type Compression = "alone" | "takeover";

/** What a server does with a message, and how. */
export interface ServerSettings {
  /** Sends each message to all connections instead of back. */
  broadcast: boolean;
  /** Whether text is wanted as strings, where it comes as bytes otherwise. */
  strings?: boolean;
  /** Absent: not compressed. */
  compression?: Compression;
  /** Our server on Deno only: which sockets, where they are not the usual ones. */
  denoSockets?: "node:net" | "Deno.listen";
  /** With `broadcast`: how many times each message is published, to a topic where there are topics. */
  burst?: number;
  /** Listens on this port, together with other processes. */
  sharedPort?: number;
}

/** The settings of this process. */
export const settings: ServerSettings = JSON.parse(process.argv[2] ?? '{"broadcast":false}');

// Profilers write what they found when the process ends by itself.
process.on("SIGINT", () => process.exit(0));
