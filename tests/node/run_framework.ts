// Runs the cases on each of the servers in this process, one after the other. Prints a line for each.

import process from "node:process";
import { makeCertificates } from "../support/certificates.ts";
import { runCases } from "./framework_cases.ts";
import { type FrameworkName, frameworkNames } from "./framework_names.ts";

/** One line of the output, as JSON. */
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
