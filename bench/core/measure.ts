// Times synchronous code on any runtime.

import { median } from "../support/table.ts";

/** The warm-up time and the duration of a sample in milliseconds, and the number of samples. */
export interface MeasureEffort {
  warmUp: number;
  sample: number;
  samples: number;
  /** Takes the fastest sample instead of the median, because other programs can only add time. */
  fastest?: boolean;
}

const USUAL: MeasureEffort = { warmUp: 300, sample: 30, samples: 15 };

/** The result of one case. */
export interface Measurement {
  /** The case. */
  readonly name: string;
  /** Nanoseconds per unit of work, over several samples. */
  readonly nanoseconds: number;
  /** The unit of work, such as a message or a byte. */
  readonly unit: string;
}

/**
 * Times a case.
 *
 * @param units The number of units of work in one call of `run`.
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
