// Times synchronous code, on any runtime.

import { median } from "../support/table.ts";

/** How long a case is measured: milliseconds before and for one sample, and how many of these. */
export interface MeasureEffort {
  warmUp: number;
  sample: number;
  samples: number;
  /** The fastest sample counts instead of the median: other programs only ever take time. */
  fastest?: boolean;
}

const USUAL: MeasureEffort = { warmUp: 300, sample: 30, samples: 15 };

/** What one case took. */
export interface Measurement {
  /** The case. */
  readonly name: string;
  /** Nanoseconds for one unit of work, from several samples. */
  readonly nanoseconds: number;
  /** What the unit is: a message, a byte. */
  readonly unit: string;
}

/**
 * Times a case.
 *
 * @param units How many units of work one call of `run` does.
 */
export function measure(
  name: string,
  unit: string,
  units: number,
  run: () => void,
  { warmUp, sample, samples, fastest }: MeasureEffort = USUAL,
): Measurement {
  let calls = 0;
  const end = performance.now() + warmUp;
  while (performance.now() < end) {
    run();
    calls++;
  }
  const repeat = Math.max(1, Math.round(calls * sample / warmUp));
  const times: number[] = [];
  while (times.length < samples) {
    const began = performance.now();
    for (let call = 0; call < repeat; call++) run();
    times.push((performance.now() - began) * 1e6 / (repeat * units));
  }
  return { name, unit, nanoseconds: fastest ? Math.min(...times) : median(times) };
}
