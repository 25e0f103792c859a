// What a client of the benchmarks is told, as JSON in its first argument.

import process from "node:process";

/** Where a client connects to, and how often. */
export interface ClientSettings {
  url: string;
  connections: number;
}

/** The settings of this process. */
export const settings: ClientSettings = JSON.parse(process.argv[2]!);
