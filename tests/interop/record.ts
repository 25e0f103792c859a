// Records the results of a test run for the table in docs/interop.md.

import { appendFileSync } from "node:fs";
import process from "node:process";
import type { Agreed } from "./conversation.ts";

/** The file for the results, if they are recorded: one line of JSON for each. */
export const RECORD_VARIABLE = "QUICKWS_INTEROP_RECORD";

/** A pair that holds its conversations without a fault. */
export interface Result {
  readonly server: string;
  readonly client: string;
  /** The text between them. */
  readonly proxy?: string;
  readonly agreed: Agreed;
  /** The number of passed steps. */
  readonly steps: number;
}

/** Records a result. */
export function record(result: Result): void {
  const path = process.env[RECORD_VARIABLE];
  if (path !== undefined) appendFileSync(path, `${JSON.stringify(result)}\n`);
}
