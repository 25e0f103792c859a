// Rounds: in each, every participant is measured once, so that a noisy moment of the machine does not
// hit one of them alone.

import { labelOf, type Participant } from "../catalog/participants.ts";
import { describe, type Workload } from "../catalog/workloads.ts";
import type { Generator } from "../load/generator.ts";
import type { LoadResult } from "../load/load.ts";
import { measure } from "./measure.ts";
import { progress } from "./progress.ts";

/** How often and how long. */
export interface Effort {
  rounds: number;
  /** Seconds of counting in one measurement. */
  seconds: number;
  /** Seconds before that. */
  warmUp: number;
  /** Has the servers profiled, which makes them slower. */
  profile?: boolean;
}

/** What came out for one participant. */
export interface Rounds {
  participant: Participant;
  /** One for each round; fewer if a measurement failed. */
  results: LoadResult[];
  /** Why one failed. */
  failure?: string;
}

/** From so many connections on everything takes longer to come to rest. */
const MANY = 5000;

/** Measures the participants under a workload, in turns. */
export async function runRounds(
  participants: readonly Participant[],
  workload: Workload,
  generator: Generator,
  { rounds, seconds, warmUp, profile }: Effort,
): Promise<Rounds[]> {
  const factor = workload.connections >= MANY ? 2 : 1;
  const timing = { warmUp: warmUp * 1000 * factor, duration: seconds * 1000 * factor, profile };
  const all: Rounds[] = participants.map((participant) => ({ participant, results: [] }));
  for (let round = 0; round < rounds; round++) {
    for (const [index, entry] of all.entries()) {
      progress(
        `${describe(workload)}: round ${round + 1} of ${rounds}, ` +
          `${labelOf(entry.participant)} (${index + 1} of ${all.length})`,
      );
      try {
        entry.results.push(await measure(entry.participant, workload, generator, timing));
      } catch (error) {
        entry.failure = (error as Error).message;
        progress();
        console.error(entry.failure);
      }
    }
  }
  progress();
  return all;
}
