// Selects the participants of a run.

import {
  isOwn,
  labelOf,
  type Participant,
  PARTICIPANTS,
  takesPart,
} from "../catalog/participants.ts";
import type { Workload } from "../catalog/workloads.ts";
import { commandOf } from "./measure.ts";
import type { Options } from "./options.ts";

function isChosen(participant: Participant, { peers, runtimes, variants }: Options): boolean {
  const { name, runtime, raw } = participant;
  if (isOwn(participant)) {
    return variants.includes(name) && (runtimes ?? [runtime]).includes(runtime);
  }
  // `--runtimes` does not apply to Go: it runs unless `--peers` excludes it.
  const runs = runtime === "go" || (runtimes ?? [runtime]).includes(runtime);
  return runs && (raw || (peers ?? [name]).includes(name));
}

/** Returns the selected participants that support a workload and are available here. */
export function chooseParticipants(workload: Workload, options: Options): Participant[] {
  return PARTICIPANTS.filter((participant) =>
    isChosen(participant, options) && takesPart(participant, workload) &&
    commandOf(participant, workload) !== undefined
  );
}

/** Returns the participant with a label, or `undefined` if it is not available here. */
export function findParticipant(label: string, workload: Workload): Participant | undefined {
  const found = PARTICIPANTS.find((participant) => labelOf(participant) === label);
  if (found === undefined) throw new Error(`Unknown participant "${label}"`);
  return commandOf(found, workload) && found;
}
