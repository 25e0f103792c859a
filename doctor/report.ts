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

/** The octets of a connection, the first of them. */
export interface Exchange {
  readonly entries: readonly Entry[];
  /** Entries that were not kept. */
  readonly leftOut: number;
}

/** The result of one case. */
export interface Result {
  readonly id: string;
  readonly title: string;
  readonly rfc: string;
  readonly verdict: Verdict;
  /** Why it is not a plain PASS. */
  readonly note: string;
  /** What the case allows; for a PASS it is left out. */
  readonly expected?: string;
  /** What `--fast` made smaller. */
  readonly shrunk?: string;
  readonly milliseconds: number;
  /** The octets; for a PASS they are left out. */
  readonly exchange?: Exchange;
}

/** One endpoint, examined. */
export interface Report {
  /** The name of the tested endpoint. */
  readonly agent: string;
  readonly role: Role;
  /** Where it was: a URL, or where the doctor listened. */
  readonly endpoint: string;
  /** When the run began, in ISO 8601. */
  readonly date: string;
  readonly fast: boolean;
  /** Cases that `--fast` left out. */
  readonly leftOut: number;
  readonly results: readonly Result[];
}

/** A result of a case that was run. */
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

/** A result of a case that says nothing without an option. */
export function untoldResult({ id, title, rfc, untold }: Case): Result {
  return {
    id,
    title,
    rfc,
    verdict: "INFORMATIONAL",
    note: `not run: it needs the option ${untold}`,
    milliseconds: 0,
  };
}

/** How many results there are of each verdict. */
export function countVerdicts(results: readonly Result[]): Record<Verdict, number> {
  const counts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0])) as Record<
    Verdict,
    number
  >;
  for (const { verdict } of results) counts[verdict]++;
  return counts;
}

/** Whether nothing failed. */
export function isHealthy({ results }: Report): boolean {
  return results.every(({ verdict }) => verdict !== "FAIL");
}
