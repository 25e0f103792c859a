// Runs rounds. Each measures every participant once, so that a disturbance affects all of them.

import { labelOf, type Participant } from "../catalog/participants.ts";
import { describe, type Workload } from "../catalog/workloads.ts";
import type { Generator } from "../load/generator.ts";
import type { LoadResult } from "../load/load.ts";
import { measure } from "./measure.ts";
import { progress } from "./progress.ts";

/** The number of rounds and their durations. */
export interface Effort {
  rounds: number;
  /** Duration of one measurement, in seconds. */
  seconds: number;
  /** Warm-up time, in seconds. */
  warmUp: number;
  /** Profiles the servers, which makes them slower. */
  profile?: boolean;
}

/** The results of one participant. */
export interface Rounds {
  participant: Participant;
  /** One result per round; fewer if a measurement failed. */
  results: LoadResult[];
  /** The last error message. */
  failure?: string;
}

/** With this many connections or more, durations are doubled. */
const MANY = 5000;

/** Measures the participants alternately under a workload. */
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
