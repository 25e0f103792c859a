// `deno task bench fleet`: publishes through three nodes connected by a broker. The nodes and the
// broker share one core, so the rate of messages measures their total cost.

import {
  describeFleet,
  type Fleet,
  FLEET_WORKLOADS,
  fleetLabel,
  FLEETS,
  type FleetWorkload,
  NODES,
  PAYLOAD,
} from "../catalog/fleet.ts";
import type { FleetLoad, FleetResult } from "../load/fleet_load.ts";
import type { Generator } from "../load/generator.ts";
import type { NodeSettings } from "../nodes/settings.ts";
import { onLoadCore, onServerCore } from "../support/cores.ts";
import { commandFor, linesOf, nextLine, start, stop } from "../support/runtimes.ts";
import { median, table } from "../support/table.ts";
import { type Conditions, conditionsNow, showConditions } from "./conditions.ts";
import { startBroker } from "./broker.ts";
import type { Options } from "./options.ts";
import { profileFiles, topFunctions, withProfile } from "./profile.ts";
import { progress } from "./progress.ts";
import { load, save } from "./store.ts";

/** The medians of one fleet. */
export interface FleetEntry {
  label: string;
  figures: Record<string, number>;
  /** Messages per second of quickws on the same runtime and broker, divided by this fleet's. */
  quickws?: number;
  failure?: string;
}

/** The results of one workload. */
export interface FleetOutcome {
  workload: FleetWorkload;
  conditions: Conditions;
  entries: FleetEntry[];
}

interface FleetFigure {
  title: string;
  of(result: FleetResult, workload: FleetWorkload): number;
  decimals: number;
}

const FILE = "fleet.json";

/** The time limit for the last messages, in milliseconds. */
const TIMEOUT = 10_000;

const FIGURES: Record<string, FleetFigure> = {
  rate: {
    title: "messages/s",
    of: ({ messages, seconds }) => messages / seconds,
    decimals: 0,
  },
  cpu: {
    title: "nodes us/message",
    of: ({ cpu, messages }) => cpu * 1e6 / messages,
    decimals: 2,
  },
  engine: {
    title: "broker us/publish",
    of: ({ brokerCpu, messages }, { connections }) => brokerCpu * 1e6 * connections / messages,
    decimals: 1,
  },
  p50: { title: "p50 ms", of: ({ p50 }) => p50 / 1000, decimals: 2 },
  p99: { title: "p99 ms", of: ({ p99 }) => p99 / 1000, decimals: 2 },
  busy: {
    title: "core %",
    of: ({ cpu, brokerCpu, seconds }) => 100 * (cpu + brokerCpu) / seconds,
    decimals: 0,
  },
  load: {
    title: "load us/message",
    of: ({ ownCpu, messages }) => ownCpu * 1e6 / messages,
    decimals: 2,
  },
};

/** Runs the workloads, prints the results and saves them. */
export async function runFleets(generator: Generator, options: Options): Promise<void> {
  if (generator.name !== "Go") {
    console.error("Skipping fleets: they need the load generator in Go");
    return;
  }
  const fleets = FLEETS.filter((fleet) => isChosen(fleet, options));
  for (const workload of chosenWorkloads(options)) {
    const conditions = conditionsNow(generator, options);
    const entries = await runFleetWorkload(fleets, workload, generator, options);
    console.log(`\n${describeFleet(workload)}\n\n${fleetTable(entries)}`);
    console.log(`\n${showConditions(conditions)}`);
    if (!options.dry) keep({ workload, conditions, entries });
  }
}

function isChosen({ name, runtime, broker }: Fleet, options: Options): boolean {
  if (!(options.runtimes ?? [runtime]).includes(runtime)) return false;
  if (!(options.brokers ?? [broker]).includes(broker)) return false;
  return name.startsWith("quickws") || (options.peers ?? [name]).includes(name);
}

function chosenWorkloads({ connections, depth, quick }: Options): readonly FleetWorkload[] {
  return FLEET_WORKLOADS.filter((workload) =>
    (connections ?? [workload.connections]).includes(workload.connections) &&
    (depth ?? [workload.depth]).includes(workload.depth) &&
    !(quick && workload.connections > 300)
  );
}

/** The effort of a measurement. */
export interface FleetEffort extends Pick<Options, "rounds" | "seconds" | "warmUp" | "profile"> {
  /** The number of nodes. Default: {@linkcode NODES}. */
  readonly nodes?: number;
}

/** Measures the fleets alternately under a workload. */
export async function runFleetWorkload(
  fleets: readonly Fleet[],
  workload: FleetWorkload,
  generator: Generator,
  options: FleetEffort,
): Promise<FleetEntry[]> {
  const found = fleets.map((fleet) => ({ fleet, results: [] as FleetResult[], failure: "" }));
  for (let round = 0; round < options.rounds; round++) {
    for (const entry of found) {
      const label = fleetLabel(entry.fleet);
      progress(`${describeFleet(workload)}: round ${round + 1} of ${options.rounds}, ${label}`);
      try {
        entry.results.push(await measureFleet(entry.fleet, workload, generator, options));
      } catch (error) {
        entry.failure = `${label}: ${(error as Error).message}`;
        console.error(entry.failure);
      }
    }
  }
  progress();
  const rates = found.map(({ results }) =>
    results.map((result) => FIGURES.rate!.of(result, workload))
  );
  return found.map(({ fleet, results, failure }, index) => {
    const own = fleets.findIndex((other) =>
      other.name === "quickws" && other.runtime === fleet.runtime && other.broker === fleet.broker
    );
    const comparable = own !== -1 && own !== index && results.length > 0 && workload.rate === 0;
    return {
      label: fleetLabel(fleet),
      figures: results.length === 0 ? {} : Object.fromEntries(
        Object.entries(FIGURES).map(([name, { of }]) => [
          name,
          median(results.map((result) => of(result, workload))),
        ]),
      ),
      ...(comparable
        ? {
          quickws: median(rates[own]!.map((rate, round) => rate / (rates[index]![round] ?? NaN))),
        }
        : {}),
      ...(failure === "" ? {} : { failure }),
    };
  });
}

/** Measures a fleet. Rejects if a message is lost, duplicated or out of order. */
async function measureFleet(
  { runtime, module, broker: kind, protocol, history }: Fleet,
  workload: FleetWorkload,
  generator: Generator,
  { seconds, warmUp, profile, nodes: count = NODES }: Omit<FleetEffort, "rounds">,
): Promise<FleetResult> {
  await using broker = await startBroker(kind, history);
  const settings: NodeSettings = { broker: kind, url: broker.url, history };
  const plain = commandFor(runtime, `nodes/${module}.ts`, JSON.stringify(settings));
  const old = new Set(profile ? profileFiles() : []);
  const command = profile ? withProfile(runtime, plain) : plain;
  const nodes = Array.from({ length: count }, () => start(onServerCore(command)));
  try {
    const ports = await Promise.all(nodes.map((node) => nextLine(linesOf(node))));
    const load: FleetLoad = {
      kind: "fleet",
      ports: ports.map(Number),
      pids: nodes.map(({ pid }) => pid),
      broker: [broker.pid],
      protocol,
      ...workload,
      payload: PAYLOAD,
      warmUp: warmUp * 1000,
      duration: seconds * 1000,
      timeout: TIMEOUT,
    };
    const process = start(onLoadCore(generator.command(JSON.stringify(load))));
    const result: FleetResult = JSON.parse(await nextLine(linesOf(process)));
    await process.status;
    if (result.messages === 0) throw new Error("no messages within the time limit");
    if (result.lost !== 0) throw new Error(`${result.lost} messages were lost`);
    return result;
  } finally {
    if (profile) {
      for (const node of nodes) node.kill("SIGINT");
      await Promise.all(nodes.map(({ status }) => status));
      for (const path of profileFiles().filter((path) => !old.has(path))) {
        console.log(`\n${path}\n\n${topFunctions(path)}`);
      }
    }
    await Promise.all(nodes.map(stop));
  }
}

/** Formats the results as a table. */
export function fleetTable(entries: readonly FleetEntry[]): string {
  const figures = Object.entries(FIGURES);
  return table([
    ["", ...figures.map(([, { title }]) => title), "quickws / it"],
    ...entries.map(({ label, figures: found, quickws }) => [
      label,
      ...figures.map(([name, { decimals }]) => found[name]?.toFixed(decimals) ?? "failed"),
      quickws?.toFixed(1) ?? "",
    ]),
  ]);
}

/** Saves the results, replacing those of the same workload and fleets. */
function keep(outcome: FleetOutcome): void {
  const all = load<FleetOutcome[]>(FILE) ?? [];
  const name = describeFleet(outcome.workload);
  const old = all.find(({ workload }) => describeFleet(workload) === name);
  const labels = new Set(outcome.entries.map(({ label }) => label));
  const kept = (old?.entries ?? []).filter(({ label }) => !labels.has(label));
  const merged = { ...outcome, entries: [...outcome.entries, ...kept] };
  save(FILE, old ? all.map((each) => each === old ? merged : each) : [...all, merged]);
}
