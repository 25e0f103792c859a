// Times synchronous code, on any runtime.

import { median } from "../support/table.ts";

const WARM_UP = 300;
const SAMPLE = 30;
const SAMPLES = 15;

/** What one case took. */
export interface Measurement {
  /** The case. */
  readonly name: string;
  /** Nanoseconds for one unit of work, the median of several samples. */
  readonly nanoseconds: number;
  /** What the unit is: a message, a byte. */
  readonly unit: string;
}

/**
 * Times a case.
 *
 * @param units How many units of work one call of `run` does.
 */
export function measure(name: string, unit: string, units: number, run: () => void): Measurement {
  let calls = 0;
  const end = performance.now() + WARM_UP;
  while (performance.now() < end) {
    run();
    calls++;
  }
  const repeat = Math.max(1, Math.round(calls * SAMPLE / WARM_UP));
  const samples: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample++) {
    const began = performance.now();
    for (let call = 0; call < repeat; call++) run();
    samples.push((performance.now() - began) * 1e6 / (repeat * units));
  }
  return { name, unit, nanoseconds: median(samples) };
}
