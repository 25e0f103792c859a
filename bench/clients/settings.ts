// The settings of a benchmark client, passed as JSON in its first argument.

import process from "node:process";

/** The settings of a client. */
export interface ClientSettings {
  url: string;
  connections: number;
}

/** The settings of this process. */
export const settings: ClientSettings = JSON.parse(process.argv[2]!);
