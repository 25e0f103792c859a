// Runs the cases on one server in this process: run_framework.ts <name>. Prints a line for each.

import process from "node:process";
import { makeCertificates } from "../support/certificates.ts";
import { runCases } from "./framework_cases.ts";
import { frameworkNames } from "./framework_names.ts";

/** One line of the output, as JSON. */
export interface CaseResult {
  readonly title: string;
  readonly error?: string;
}

const name = frameworkNames.find((known) => known === process.argv[2]);
if (name === undefined) throw new Error(`no server is named ${process.argv[2]}`);

await runCases(name, makeCertificates(), (title, error) => {
  const failure = error instanceof Error ? error.stack ?? error.message : String(error);
  const result: CaseResult = { title, error: error === undefined ? undefined : failure };
  process.stdout.write(`${JSON.stringify(result)}\n`);
});
