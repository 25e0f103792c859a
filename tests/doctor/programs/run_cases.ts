// The steps of every examined client: request the number of cases, connect for each, and report the
// end.

import process from "node:process";

/**
 * Opens one connection and echoes until it closes; passes text messages to `onText` instead, if
 * given.
 */
export type Echo = (url: string, onText?: (text: string) => void) => Promise<void>;

/** Runs all cases of the doctor at the address that the program was started with. */
export async function runCases(agent: string, echo: Echo): Promise<void> {
  const base = process.argv[2]!;
  let count = 0;
  await echo(`${base}getCaseCount`, (text) => count = Number(text));
  for (let number = 1; number <= count; number++) {
    // A case may make the opening handshake fail; the next case follows.
    await echo(`${base}runCase?case=${number}&agent=${agent}`).catch(() => {});
  }
  await echo(`${base}updateReports?agent=${agent}`);
}
