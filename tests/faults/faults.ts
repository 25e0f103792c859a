// Defines the faults of a connection and selects them randomly.

import type { Random } from "../support/random.ts";

/** All kinds of faults. */
export const faultKinds = [
  "delay",
  "chop",
  "stall",
  "cap",
  "half-close",
  "reset",
  "freeze",
] as const;

/** A kind of fault. */
export type FaultKind = typeof faultKinds[number];

/** A fault in one direction of a connection. */
export interface Fault {
  readonly kind: FaultKind;
  /** The number of bytes before the fault starts, in the handshake or in a frame. */
  readonly after: number;
  /** The delay of each chunk (`delay`) or the duration of the pause (`stall`), in milliseconds. */
  readonly milliseconds: number;
  /** The total delay of chunks in milliseconds after which the fault ends. */
  readonly duration: number;
  /** Bytes per 100 ms (`cap`), or bytes to forward one by one (`chop`). */
  readonly bytes: number;
}

/** The frequency and duration of faults. */
export interface FaultRules {
  /** The fraction of connections with a fault, from 0 to 1. */
  readonly share: number;
  /** The longest stall in milliseconds. Delays are at most a tenth of it. */
  readonly longest: number;
  /** The kinds to select from. */
  readonly kinds: readonly FaultKind[];
}

/** Selects the fault of the next connection. Returns `undefined` for no fault. */
export function nextFault(random: Random, rules: FaultRules): Fault | undefined {
  if (random.below(1000) >= rules.share * 1000) return undefined;
  const kind = random.pick(rules.kinds);
  const longest = kind === "delay" ? rules.longest / 10 : rules.longest;
  return {
    kind,
    // A third of the faults occur in the handshake of about 300 bytes, the others in the frames.
    after: random.below(3) === 0 ? random.below(300) : 300 + random.below(4000),
    milliseconds: 1 + random.below(longest),
    duration: rules.longest * 2,
    bytes: 20 + random.below(500),
  };
}
