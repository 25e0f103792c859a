// Checks a property several times from a seed, and reports failures with the seed for reproduction.

import fc from "fast-check";
import type { NamedProperty } from "./properties.ts";

/** The failure of a property. */
export class PropertyFailure extends Error {
  /**
   * @param property The property.
   *
   * @param seed The seed of the counterexample.
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
      `property failed: "${property.name}"\n` +
        `counterexample, after ${details.numShrinks} steps: ` +
        `${fc.stringify(details.counterexample)}\n` +
        `${cause instanceof Error ? cause.stack ?? cause.message : String(cause)}\n` +
        `reproduce with: deno task fuzz --seed ${seed} --batches 1 --only "${property.name}"`,
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
 * @throws {PropertyFailure} When the property fails.
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
