// Two or more ways to do the same, at sizes around the constant that chooses between them.

import { measure } from "../core/measure.ts";

/** What a tuned constant of `src` decides, and how it was found. */
export interface Choice {
  /** The constant and its file. */
  constant: string;
  /** What one number in the table is the time for. */
  unit: string;
  /** What the sizes are; a constant that is itself varied has its values here. */
  size: string;
  sizes: number[];
  /** The ways: each makes what does the work once, for a size. */
  ways: Record<string, (size: number) => () => unknown>;
  /** How many units of work one call does; 1 if absent. */
  units?: number;
  /** What else there is to know of a size: numbers that are no times. */
  facts?: Record<string, (size: number) => number>;
}

/** Nanoseconds of each way at each size. */
export interface Comparison extends Omit<Choice, "ways" | "facts"> {
  nanoseconds: Record<string, number[]>;
  facts: Record<string, number[]>;
}

const EFFORT = { warmUp: 80, sample: 3, samples: 30, fastest: true };

/** Nothing is optimized away whose result may still be wanted. */
let last: unknown;

/** Times all ways at all sizes. */
export function compare({ ways, facts = {}, ...choice }: Choice): Comparison {
  const nanoseconds: Record<string, number[]> = {};
  for (const [name, make] of Object.entries(ways)) {
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

/** A function's work many times over, so that the timer's own call does not count. */
export function repeated(count: number, run: () => void): () => void {
  return () => {
    for (let index = 0; index < count; index++) run();
  };
}
