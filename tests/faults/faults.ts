// The faults of a connection, and their random selection.

import type { Random } from "../support/random.ts";

/** The kinds of faults, besides none. */
export const faultKinds = [
  "delay",
  "chop",
  "stall",
  "cap",
  "half-close",
  "reset",
  "freeze",
] as const;

/** One kind of fault. */
export type FaultKind = typeof faultKinds[number];

/** The fault of one direction of one connection. */
export interface Fault {
  readonly kind: FaultKind;
  /** The number of bytes before it begins, anywhere in the handshake or in a frame. */
  readonly after: number;
  /** The delay of chunks (`delay`) or the length of the pause (`stall`), in milliseconds. */
  readonly milliseconds: number;
  /** The total delay of chunks in milliseconds; afterwards the connection has no fault. */
  readonly duration: number;
  /** Bytes in a tenth of a second (`cap`), or that pass one by one (`chop`). */
  readonly bytes: number;
}

/** The frequency and the duration of faults. */
export interface FaultRules {
  /** The share of connections that are faulty, 0 to 1. */
  readonly share: number;
  /** The longest stall in milliseconds; delays are up to a tenth of it. */
  readonly longest: number;
  /** The possible kinds. */
  readonly kinds: readonly FaultKind[];
}

/** Selects the fault of the next connection; `undefined` for none. */
export function nextFault(random: Random, rules: FaultRules): Fault | undefined {
  if (random.below(1000) >= rules.share * 1000) return undefined;
  const kind = random.pick(rules.kinds);
  const longest = kind === "delay" ? rules.longest / 10 : rules.longest;
  return {
    kind,
    // A third during the handshake of about 300 bytes, the others among the frames.
    after: random.below(3) === 0 ? random.below(300) : 300 + random.below(4000),
    milliseconds: 1 + random.below(longest),
    duration: rules.longest * 2,
    bytes: 20 + random.below(500),
  };
}
