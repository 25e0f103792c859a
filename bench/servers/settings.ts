// The settings of a benchmark server, passed as JSON in its first argument.

import process from "node:process";

/** The compression mode: independent messages, or with context takeover. */
export type Compression = "alone" | "takeover";

/** The behavior of a server. */
export interface ServerSettings {
  /** Sends each message to all connections instead of echoing it. */
  broadcast: boolean;
  /** Delivers text messages as strings instead of bytes. */
  strings?: boolean;
  /** Default: no compression. */
  compression?: Compression;
  /** Only quickws on Deno: the option `denoSockets`. */
  denoSockets?: "node:net" | "Deno.listen";
  /** With `broadcast`: the number of times each message is published. */
  burst?: number;
  /** A port that several server processes share. */
  sharedPort?: number;
}

/** The settings of this process. */
export const settings: ServerSettings = JSON.parse(process.argv[2] ?? '{"broadcast":false}');

// Exit normally, because profilers write their results on exit.
process.on("SIGINT", () => process.exit(0));
