// `deno task bench targets`: measures each speed goal together with its reference participants.

import { labelOf, type Participant } from "../catalog/participants.ts";
import { type Target, type TargetRow, TARGETS } from "../catalog/targets.ts";
import { describe } from "../catalog/workloads.ts";
import type { Generator } from "../load/generator.ts";
import { type RuntimeName, runtimeNames } from "../support/runtimes.ts";
import { table } from "../support/table.ts";
import { findParticipant } from "./choice.ts";
import { type Conditions, conditionsNow, showConditions } from "./conditions.ts";
import { FIGURES, medianOf, medianRatio } from "./figures.ts";
import type { Options } from "./options.ts";
import { type Rounds, runRounds } from "./rounds.ts";
import { load, save } from "./store.ts";

/** One target and its result. */
export interface TargetOutcome {
  row: string;
  runtime: RuntimeName;
  target: Target;
  /** The measured variant of this library. */
  quickws: string;
  /** This library's figure, and the reference's. `undefined` if it was not measured. */
  figure?: number;
  other?: number;
  /** The value to compare with the target: a ratio, or the figure itself. */
  measured?: number;
  reached?: boolean;
  conditions: Conditions;
}

const FILE = "targets.json";
const HEADER = ["workload", "runtime", "figure", "quickws", "reference", "measured", "target", ""];

/** Measures the selected cells, prints the results and saves them. */
export async function runTargets(generator: Generator, options: Options): Promise<void> {
  const rows = TARGETS.filter(({ name }) => options.rows?.includes(name) ?? true);
  const unknown = options.rows?.filter((name) => !TARGETS.some((row) => row.name === name)) ?? [];
  if (unknown.length > 0) {
    throw new TypeError(
      `Unknown --rows: ${unknown}; use ${TARGETS.map(({ name }) => name).join(", ")}`,
    );
  }
  const all: TargetOutcome[] = [];
  for (const row of rows) {
    for (const runtime of runtimeNames) {
      if (!(options.runtimes?.includes(runtime) ?? true)) continue;
      for (const variant of options.variants) {
        const outcomes = await runCell(row, runtime, variant, generator, options);
        if (outcomes.length === 0) continue;
        console.log(`\n${row.name}: ${describe(row.workload)}`);
        console.log(table([HEADER, ...outcomes.map(cellsOf)]));
        all.push(...outcomes);
        if (!options.dry) keep(outcomes);
      }
    }
  }
  const reached = all.filter((outcome) => outcome.reached).length;
  console.log(`\nAll cells, ${reached} of ${all.length} reached\n`);
  console.log(table([HEADER, ...all.map(cellsOf)]));
  console.log(`\n${showConditions(conditionsNow(generator, options))}`);
}

async function runCell(
  row: TargetRow,
  runtime: RuntimeName,
  name: string,
  generator: Generator,
  options: Options,
): Promise<TargetOutcome[]> {
  const { workload } = row;
  const ownLabel = `${runtime} ${name}`;
  const targets = row.targets[runtime].filter(({ against }) =>
    against === undefined || isWanted(against, options)
  );
  if (targets.length === 0) return [];
  const labels = new Set([ownLabel, ...targets.flatMap(({ against = [] }) => against)]);
  let participants: (Participant | undefined)[];
  try {
    participants = [...labels].map((label) => findParticipant(label, workload));
  } catch (error) {
    // Only Deno has several variants.
    if (name !== "quickws") return [];
    throw error;
  }
  const conditions = conditionsNow(generator, options);
  const results = await runRounds(
    participants.filter((participant) => participant !== undefined),
    workload,
    generator,
    options,
  );
  const found = (label: string): Rounds["results"] =>
    results.find(({ participant }) => labelOf(participant) === label)?.results ?? [];
  return targets.map((target) => {
    const { figure, against, bound, value } = target;
    const outcome: TargetOutcome = { row: row.name, runtime, target, quickws: name, conditions };
    const others = against === undefined ? undefined : found(against);
    if (found(ownLabel).length === 0 || others?.length === 0) return outcome;
    const own = medianOf(figure, found(ownLabel), workload);
    const measured = others ? medianRatio(figure, found(ownLabel), others, workload) : own;
    return {
      ...outcome,
      figure: own,
      other: others && medianOf(figure, others, workload),
      measured,
      reached: bound === "most" ? measured <= value : measured >= value,
    };
  });
}

/** Whether `--peers` includes a reference. Unlike elsewhere, this applies to raw sockets, too. */
function isWanted(against: string, { peers }: Options): boolean {
  return peers === undefined || peers.includes(against.slice(against.indexOf(" ") + 1));
}

function cellsOf(
  { row, runtime, quickws, target, figure, other, measured, reached }: TargetOutcome,
) {
  const { title, decimals } = FIGURES[target.figure];
  const ratio = target.against !== undefined;
  const show = (value: number): string => ratio ? `x ${value.toFixed(2)}` : value.toFixed(decimals);
  return [
    row,
    quickws === "quickws" ? runtime : `${runtime} ${quickws}`,
    title,
    figure?.toFixed(decimals) ?? "",
    other === undefined ? target.against ?? "" : `${target.against} ${other.toFixed(decimals)}`,
    measured === undefined ? "not measured" : show(measured),
    `${target.bound === "most" ? "<=" : ">="} ${show(target.value)}`,
    reached === undefined ? "" : reached ? "reached" : "MISSED",
  ];
}

/** Saves the results, replacing earlier ones of the same cells. */
function keep(outcomes: readonly TargetOutcome[]): void {
  const key = ({ row, runtime, quickws, target }: TargetOutcome): string =>
    [row, runtime, quickws, target.figure, target.against ?? target.value].join();
  const kept = new Map((load<TargetOutcome[]>(FILE) ?? []).map((old) => [key(old), old]));
  for (const outcome of outcomes) kept.set(key(outcome), outcome);
  save(FILE, [...kept.values()]);
}
