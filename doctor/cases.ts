// All cases in their order, and the selection of some of them.

import type { Case, Facts, Outcome, Role } from "./case.ts";
import { answers } from "./cases/answers.ts";
import { closeCodes } from "./cases/close_codes.ts";
import { closing } from "./cases/closing.ts";
import { compression } from "./cases/compression.ts";
import { deflate } from "./cases/deflate.ts";
import { fragmentation } from "./cases/fragmentation.ts";
import { framing } from "./cases/framing.ts";
import { lengths } from "./cases/lengths.ts";
import { masking } from "./cases/masking.ts";
import { negotiation } from "./cases/negotiation.ts";
import { opcodes } from "./cases/opcodes.ts";
import { performance } from "./cases/performance.ts";
import { pings } from "./cases/pings.ts";
import { pipelining } from "./cases/pipelining.ts";
import { requests } from "./cases/requests.ts";
import { reserved } from "./cases/reserved.ts";
import { sizes } from "./cases/sizes.ts";
import { stress } from "./cases/stress.ts";
import { utf8 } from "./cases/utf8.ts";
import { nonStrict } from "./steps.ts";

/** The names of the groups in reports, by number. */
export const GROUP_NAMES: Readonly<Record<string, string>> = {
  "1": "Framing",
  "2": "Pings and pongs",
  "3": "Reserved bits",
  "4": "Reserved opcodes",
  "5": "Fragmentation",
  "6": "UTF-8",
  "7": "Closing handshake",
  "9": "Large messages, fragments, round trips",
  "10": "Automatic fragments",
  "12": "Compression, kinds of payload",
  "13": "Compression, parameters",
  "20": "Close codes",
  "21": "Masks",
  "22": "Length fields",
  "23": "Compressed frames",
  "24": "Size limits",
  "25": "Start of frames",
  "26": "Requests",
  "27": "Responses",
  "28": "Negotiation",
  "29": "Floods, slow peers, half-closed streams",
};

/**
 * Grades a case of groups 1 to 13 like the Autobahn test suite, where an incomplete closing
 * handshake alone is not a FAIL. Group 20 is stricter.
 */
function asOriginal(one: Case): Case {
  const unclean = one.outcomes.flatMap((outcome): Outcome[] =>
    outcome.verdict === "PASS" && outcome.ending.is === "closed"
      ? [{
        ...nonStrict(outcome, "the closing handshake was not completed"),
        ending: { ...outcome.ending, is: "unclean" },
      }]
      : []
  );
  return unclean.length === 0 ? one : { ...one, outcomes: [...one.outcomes, ...unclean] };
}

/** All cases. */
export function allCases(facts: Facts): Case[] {
  return [
    ...[
      ...framing,
      ...pings,
      ...reserved,
      ...opcodes,
      ...fragmentation,
      ...utf8,
      ...closing,
      ...performance(facts),
      ...deflate(facts),
    ].map(asOriginal),
    ...closeCodes,
    ...masking,
    ...lengths,
    ...compression,
    ...sizes(facts),
    ...pipelining,
    ...requests,
    ...answers,
    ...negotiation,
    ...stress,
  ];
}

/** Returns the group of a case: the part of its number before the first dot. */
export function groupOf(id: string): string {
  return id.slice(0, id.indexOf("."));
}

/** Whether a number matches a pattern: `6.*`, `6.4.*`, `7.1.1`, `*`. */
export function matches(id: string, pattern: string): boolean {
  if (pattern === "*") return true;
  if (pattern.endsWith(".*")) return id.startsWith(pattern.slice(0, -1));
  return id === pattern;
}

/** The selection of cases to run. */
export interface Selection {
  /** The examined side; `undefined` selects the cases of both. */
  readonly role: Role | undefined;
  /** Patterns of the cases to run; none: all. */
  readonly cases: readonly string[];
  /** Patterns of the cases to skip. */
  readonly exclude: readonly string[];
}

/** The selected cases, including those skipped by `--fast`. */
export function matchingCases(facts: Facts, { role, cases, exclude }: Selection): Case[] {
  const fits = (id: string, patterns: readonly string[]): boolean =>
    patterns.some((pattern) => matches(id, pattern));
  return allCases(facts).filter((one) =>
    (one.role === undefined || role === undefined || one.role === role) &&
    (cases.length === 0 || fits(one.id, cases)) && !fits(one.id, exclude)
  );
}

/** The cases to run, without those skipped by `--fast`. */
export function selectCases(facts: Facts, selection: Selection): Case[] {
  return matchingCases(facts, selection).filter((one) => !(facts.fast && one.heavy));
}
