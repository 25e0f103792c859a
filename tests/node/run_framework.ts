// Runs the cases on each server in this process, one after another, and prints a line for each
// result.

import process from "node:process";
import { makeCertificates } from "../support/certificates.ts";
import { runCases } from "./framework_cases.ts";
import { type FrameworkName, frameworkNames } from "./framework_names.ts";

/** A line of the output, as JSON. */
export interface CaseResult {
  readonly server: FrameworkName;
  readonly title: string;
  readonly error?: string;
}

const certificates = makeCertificates();
for (const server of frameworkNames) {
  await runCases(server, certificates, (title, error) => {
    const failure = error instanceof Error ? error.stack ?? error.message : String(error);
    const result: CaseResult = { server, title, error: error === undefined ? undefined : failure };
    process.stdout.write(`${JSON.stringify(result)}\n`);
  });
}
