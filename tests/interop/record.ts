// Records the results of a test run for the table in docs/interop.md.

import { appendFileSync } from "node:fs";
import process from "node:process";
import type { ExpectedExtensions } from "./conversation.ts";

/** The environment variable with the file for the results, which are lines of JSON. */
export const RECORD_VARIABLE = "QUICKWS_INTEROP_RECORD";

/** A pair that has passed all of its conversations. */
export interface Result {
  readonly server: string;
  readonly client: string;
  /** The proxy between client and server. */
  readonly proxy?: string | undefined;
  readonly agreed: ExpectedExtensions;
  /** The number of passed steps. */
  readonly steps: number;
}

/** Appends a result to the file, if there is one. */
export function record(result: Result): void {
  const path = process.env[RECORD_VARIABLE];
  if (path !== undefined) appendFileSync(path, `${JSON.stringify(result)}\n`);
}
