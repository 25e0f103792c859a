// The results of a run, as data for all three report formats.

import type { Case, Role, Verdict } from "./case.ts";
import { describeExpected, type Judgement } from "./judge.ts";
import type { Entry, Recording } from "./recording.ts";

/** All verdicts, the best first. */
export const VERDICTS: readonly Verdict[] = [
  "PASS",
  "INFORMATIONAL",
  "NON-STRICT",
  "UNIMPLEMENTED",
  "FAIL",
];

/** The first octets of a connection. */
export interface Exchange {
  readonly entries: readonly Entry[];
  /** The number of entries that were not kept. */
  readonly leftOut: number;
}

/** The result of one case. */
export interface Result {
  readonly id: string;
  readonly title: string;
  readonly rfc: string;
  readonly verdict: Verdict;
  /** The reason for a verdict other than PASS. */
  readonly note: string;
  /** The allowed outcomes; omitted for PASS. */
  readonly expected?: string;
  /** The reduction by `--fast`. */
  readonly shrunk?: string;
  readonly milliseconds: number;
  /** The octets; omitted for PASS. */
  readonly exchange?: Exchange;
}

/** The results of one endpoint. */
export interface Report {
  /** The name of the tested endpoint. */
  readonly agent: string;
  readonly role: Role;
  /** Its URL, or the address on which the doctor listened. */
  readonly endpoint: string;
  /** The start time of the run, in ISO 8601. */
  readonly date: string;
  readonly fast: boolean;
  /** The number of cases that `--fast` skipped. */
  readonly leftOut: number;
  readonly results: readonly Result[];
}

/** The result of a case. */
export function resultOf(
  one: Case,
  { verdict, note }: Judgement,
  milliseconds: number,
  recording: Recording | undefined,
): Result {
  const { id, title, rfc, shrunk } = one;
  return {
    id,
    title,
    rfc,
    verdict,
    note,
    ...(shrunk === undefined ? {} : { shrunk }),
    milliseconds: Math.round(milliseconds),
    ...(verdict === "PASS" ? {} : {
      expected: describeExpected(one),
      ...(recording === undefined
        ? {}
        : { exchange: { entries: recording.entries, leftOut: recording.leftOut } }),
    }),
  };
}

/** The result of a case that was not run because an option is missing. */
export function notRunResult({ id, title, rfc, missing }: Case): Result {
  return {
    id,
    title,
    rfc,
    verdict: "INFORMATIONAL",
    note: `not run: it needs the option ${missing}`,
    milliseconds: 0,
  };
}

/** The number of results of each verdict. */
export function countVerdicts(results: readonly Result[]): Record<Verdict, number> {
  const counts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0])) as Record<
    Verdict,
    number
  >;
  for (const { verdict } of results) counts[verdict]++;
  return counts;
}

/** Whether no case failed. */
export function isHealthy({ results }: Report): boolean {
  return results.every(({ verdict }) => verdict !== "FAIL");
}
