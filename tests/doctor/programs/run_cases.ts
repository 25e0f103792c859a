// The steps of every examined client: request the number of cases, run each case, and request the
// report.

import process from "node:process";

/**
 * Opens one connection and echoes messages until it closes. If `onText` is given, passes text
 * messages to it instead.
 */
export type Echo = (url: string, onText?: (text: string) => void) => Promise<void>;

/** Runs all cases of the doctor at the URL given on the command line. */
export async function runCases(agent: string, echo: Echo): Promise<void> {
  const base = process.argv[2]!;
  let count = 0;
  await echo(`${base}getCaseCount`, (text) => count = Number(text));
  for (let number = 1; number <= count; number++) {
    // A case may make the opening handshake fail. Continue with the next case.
    await echo(`${base}runCase?case=${number}&agent=${agent}`).catch(() => {});
  }
  await echo(`${base}updateReports?agent=${agent}`);
}
