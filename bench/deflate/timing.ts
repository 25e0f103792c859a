// Times functions that compress or decompress one message.

import { median } from "../support/table.ts";

/** The result of one candidate for one message size. */
export interface MessageCost {
  /** The candidate. */
  readonly name: string;
  /** Microseconds per message: the median of several samples. */
  readonly microseconds: number;
  /** Compressed size divided by original size; compressors only. */
  readonly ratio?: number;
}

/** The duration of one sample, in milliseconds. */
const SAMPLE = 6;
const SAMPLES = 21;

/** How long each candidate is timed, in seconds. */
export const SECONDS: number = SAMPLE * SAMPLES / 1000;

/** Processes the message with this index and returns the size of the result. */
export type Candidate = (index: number) => number;

/** Times the candidates alternately, so that a disturbance affects all of them. */
export function time(candidates: Record<string, Candidate>, count: number): MessageCost[] {
  const samples = new Map(Object.keys(candidates).map((name) => [name, [] as number[]]));
  for (let round = 0; round < SAMPLES; round++) {
    for (const [name, run] of Object.entries(candidates)) {
      const began = performance.now();
      let messages = 0;
      do {
        for (let index = 0; index < count; index++) run(index);
        messages += count;
      } while (performance.now() - began < SAMPLE);
      samples.get(name)!.push((performance.now() - began) * 1000 / messages);
    }
  }
  return Array.from(samples, ([name, values]) => ({ name, microseconds: median(values) }));
}
