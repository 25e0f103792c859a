// Runs a property a number of times from a seed, and reports a failure with its seed, so that it
// can be reproduced.

import fc from "fast-check";
import type { NamedProperty } from "./properties.ts";

/** A property that does not hold. */
export class PropertyFailure extends Error {
  /**
   * @param property The property.
   *
   * @param seed The seed that leads to the counterexample.
   *
   * @param details The report of fast-check.
   */
  constructor(
    property: NamedProperty,
    readonly seed: number,
    details: fc.RunDetails<unknown>,
  ) {
    const cause = details.errorInstance;
    super(
      `"${property.name}" does not hold\n` +
        `counterexample, after ${details.numShrinks} steps: ` +
        `${fc.stringify(details.counterexample)}\n` +
        `${cause instanceof Error ? cause.stack ?? cause.message : String(cause)}\n` +
        `reproduce it: deno task fuzz --seed ${seed} --batches 1 --only "${property.name}"`,
    );
  }
}

/**
 * Checks a property.
 *
 * @param property The property.
 * @param seed The seed of the random numbers.
 * @param runs The number of runs.
 * @returns The number of runs.
 * @throws {PropertyFailure} When it does not hold.
 */
export async function runBatch(
  property: NamedProperty,
  seed: number,
  runs: number,
): Promise<number> {
  const details = await fc.check(property.property, { seed, numRuns: runs });
  if (details.failed) throw new PropertyFailure(property, seed, details);
  return details.numRuns;
}
