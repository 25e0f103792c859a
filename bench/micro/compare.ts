// Compares implementations at sizes around the constant that chooses between them.

import { measure } from "../core/measure.ts";

/** A choice between implementations, controlled by a tuned constant in `src`. */
export interface Choice {
  /** The constant and its file. */
  constant: string;
  /** The unit of work for each time. */
  unit: string;
  /** The meaning of the sizes. If the constant itself varies, they are its values. */
  size: string;
  sizes: number[];
  /** The implementations. Each returns a function that does the work once, for a given size. */
  implementations: Record<string, (size: number) => () => unknown>;
  /** The number of units of work in one call. Default: 1. */
  units?: number;
  /** Additional numbers for each size that are not times. */
  facts?: Record<string, (size: number) => number>;
}

/** Nanoseconds of each implementation at each size. */
export interface Comparison extends Omit<Choice, "implementations" | "facts"> {
  nanoseconds: Record<string, number[]>;
  facts: Record<string, number[]>;
}

const EFFORT = { warmUp: 80, sample: 3, samples: 30, fastest: true };

/** Stores results, so that the compiler cannot remove the work. */
let last: unknown;

/** Times all implementations at all sizes. */
export function compare({ implementations, facts = {}, ...choice }: Choice): Comparison {
  const nanoseconds: Record<string, number[]> = {};
  for (const [name, make] of Object.entries(implementations)) {
    nanoseconds[name] = choice.sizes.map((size) => {
      const run = make(size);
      return measure(name, choice.unit, choice.units ?? 1, () => void (last = run()), EFFORT)
        .nanoseconds;
    });
  }
  void last;
  const known = Object.entries(facts).map(([name, fact]) => [name, choice.sizes.map(fact)]);
  return { ...choice, nanoseconds, facts: Object.fromEntries(known) };
}

/** Repeats a function's work, so that the cost of the timer is negligible. */
export function repeated(count: number, run: () => void): () => void {
  return () => {
    for (let index = 0; index < count; index++) run();
  };
}
