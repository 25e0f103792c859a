// Runs a suite, such as `deno task bench echo`: all its workloads with all their participants.

import { isOwn, labelOf } from "../catalog/participants.ts";
import { describe, type Suite, SUITES, type Workload } from "../catalog/workloads.ts";
import type { Generator } from "../load/generator.ts";
import type { Compression } from "../servers/settings.ts";
import { table } from "../support/table.ts";
import { chooseParticipants } from "./choice.ts";
import { type Conditions, conditionsNow, showConditions } from "./conditions.ts";
import { type FigureName, FIGURES, medianOf, medianRatio } from "./figures.ts";
import type { Options } from "./options.ts";
import { type Rounds, runRounds } from "./rounds.ts";
import { load, save } from "./store.ts";

/** The medians of one participant under one workload. */
export interface Entry {
  label: string;
  figures: Partial<Record<FigureName, number>>;
  /** The main figure divided by that of raw sockets on the same runtime. */
  ofRaw?: number;
  /** This library's figure on the same runtime divided by this one; for Go, the lowest ratio. */
  quickws?: number;
  failure?: string;
}

/** The results of one workload. */
export interface WorkloadOutcome {
  workload: Workload;
  conditions: Conditions;
  entries: Entry[];
}

const COLUMNS: Record<Suite["figure"], FigureName[]> = {
  cpu: ["cpu", "rate", "p50", "p99", "p999", "resident", "busy", "load"],
  publish: ["publish", "cpu", "rate", "p50", "p99", "resident", "busy", "load"],
  memory: ["memory"],
  openings: ["openings", "rate", "busy"],
};

/** The largest number of connections with `--quick`. */
const QUICK_CONNECTIONS = 1000;

/** Returns the workloads of a suite, changed by the options. */
export function chooseWorkloads(suite: Suite, options: Options): Workload[] {
  const { payload, depth, connections, burst, text, compression } = options;
  const more = {
    ...(text ? { text } : {}),
    ...(compression ? { text: true, compression: compression as Compression } : {}),
  };
  if (!payload && !depth && !connections && !burst && !text && !compression) {
    const { workloads } = suite;
    if (!options.quick) return workloads;
    const small = workloads.filter(({ connections }) => connections <= QUICK_CONNECTIONS);
    return small.length > 0
      ? small
      : workloads.map((workload) => ({ ...workload, connections: QUICK_CONNECTIONS }));
  }
  const usual = suite.workloads[0]!;
  return (connections ?? [usual.connections]).flatMap((connections) =>
    (payload ?? [usual.payload]).flatMap((payload) =>
      (depth ?? [usual.depth]).flatMap((depth) =>
        (burst ?? [usual.burst]).map((burst) => (
          { ...usual, connections, payload, depth, burst, ...more }
        ))
      )
    )
  );
}

/** Runs a suite, prints the results and saves them. */
export async function runSuite(
  name: string,
  generator: Generator,
  options: Options,
): Promise<void> {
  const suite = SUITES[name]!;
  for (const workload of chooseWorkloads(suite, options)) {
    const outcome = await runWorkload(workload, suite.figure, generator, options);
    console.log(`\n${suite.title}: ${describe(workload)}\n`);
    console.log(tableOf(outcome, suite.figure));
    console.log(`\n${showConditions(outcome.conditions)}`);
    if (!options.dry) keep(`${name}.json`, outcome);
  }
}

/** Runs one workload. */
export async function runWorkload(
  workload: Workload,
  figure: Suite["figure"],
  generator: Generator,
  options: Options,
): Promise<WorkloadOutcome> {
  const conditions = conditionsNow(generator, options);
  const participants = chooseParticipants(workload, options);
  const results = await runRounds(participants, workload, generator, options);
  return {
    workload,
    conditions,
    entries: results.map((rounds) => entryOf(rounds, results, workload, figure)),
  };
}

function entryOf(
  { participant, results, failure }: Rounds,
  all: readonly Rounds[],
  workload: Workload,
  figure: Suite["figure"],
): Entry {
  const label = labelOf(participant);
  if (results.length === 0) return { label, figures: {}, failure };
  const figures = Object.fromEntries(
    COLUMNS[figure].map((name) => [name, medianOf(name, results, workload)]),
  );
  const raw = all.find((other) =>
    other.participant.name === "raw" && other.participant.runtime === participant.runtime
  );
  const own = all.filter((other) =>
    isOwn(other.participant) && other !== all.find((own) => own.participant === participant) &&
    (participant.runtime === "go" || other.participant.runtime === participant.runtime)
  );
  const ratios = own.map((rounds) => medianRatio(figure, rounds.results, results, workload));
  return {
    label,
    figures,
    ofRaw: raw && medianRatio(figure, results, raw.results, workload),
    quickws: isOwn(participant) || ratios.length === 0 ? undefined : Math.min(...ratios),
    failure,
  };
}

/** Formats the results as a table. */
export function tableOf({ entries }: WorkloadOutcome, figure: Suite["figure"]): string {
  const columns = COLUMNS[figure];
  const [main, ...others] = columns;
  const show = (entry: Entry, name: FigureName): string =>
    entry.figures[name]?.toFixed(FIGURES[name].decimals) ?? "failed";
  return table([
    [
      "",
      FIGURES[main!].title,
      "of raw",
      "quickws / it",
      ...others.map((name) => FIGURES[name].title),
    ],
    ...entries.map((entry) => [
      entry.label,
      show(entry, main!),
      entry.ofRaw?.toFixed(2) ?? "",
      entry.quickws?.toFixed(2) ?? "",
      ...others.map((name) => show(entry, name)),
    ]),
  ]);
}

/** Saves the results, replacing those of the same workload and participants. */
function keep(file: string, outcome: WorkloadOutcome): void {
  const all = load<WorkloadOutcome[]>(file) ?? [];
  const name = describe(outcome.workload);
  const old = all.find(({ workload }) => describe(workload) === name);
  const labels = new Set(outcome.entries.map(({ label }) => label));
  const kept = (old?.entries ?? []).filter(({ label }) => !labels.has(label));
  const merged = { ...outcome, entries: [...outcome.entries, ...kept] };
  save(file, old ? all.map((each) => each === old ? merged : each) : [...all, merged]);
}
