// Which participants take part in a run.

import {
  isOurs,
  labelOf,
  type Participant,
  PARTICIPANTS,
  takesPart,
} from "../catalog/participants.ts";
import type { Workload } from "../catalog/workloads.ts";
import { commandOf } from "./measure.ts";
import type { Options } from "./options.ts";

function isChosen(participant: Participant, { peers, runtimes, ours }: Options): boolean {
  const { name, runtime, raw } = participant;
  if (isOurs(participant)) return ours.includes(name) && (runtimes ?? [runtime]).includes(runtime);
  // Go is no runtime of ours: it is measured unless the peers are named.
  const runs = runtime === "go" || (runtimes ?? [runtime]).includes(runtime);
  return runs && (raw || (peers ?? [name]).includes(name));
}

/** The participants that were asked for, have this workload and can be had on this machine. */
export function chooseParticipants(workload: Workload, options: Options): Participant[] {
  return PARTICIPANTS.filter((participant) =>
    isChosen(participant, options) && takesPart(participant, workload) &&
    commandOf(participant, workload) !== undefined
  );
}

/** The participant with a label, if it can be had on this machine. */
export function findParticipant(label: string, workload: Workload): Participant | undefined {
  const found = PARTICIPANTS.find((participant) => labelOf(participant) === label);
  if (found === undefined) throw new Error(`No participant has the label "${label}"`);
  return commandOf(found, workload) && found;
}
