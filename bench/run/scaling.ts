// `deno task bench scaling`: measures how cost grows and writes the report.

import { labelOf } from "../catalog/participants.ts";
import { SCALES } from "../catalog/scales.ts";
import type { Generator } from "../load/generator.ts";
import { findParticipant } from "./choice.ts";
import { conditionsNow } from "./conditions.ts";
import { measureCores } from "./shared_port.ts";
import { medianOf } from "./figures.ts";
import { measureMillion } from "./million.ts";
import type { Options } from "./options.ts";
import { runRounds } from "./rounds.ts";
import type { Point, Scaling } from "./scaling_points.ts";
import { writeReport } from "./scaling_report.ts";
import { load, save } from "./store.ts";

const FILE = "scaling.json";
const KERNEL_ENDS = 10_000;

/** Measures the selected parts (default: all) and writes the report. */
export async function runScaling(generator: Generator, options: Options): Promise<void> {
  const wanted = (name: string): boolean =>
    options.words.length === 0 || options.words.includes(name);
  const old = load<Scaling>(FILE);
  const scaling: Scaling = {
    points: {},
    cores: [],
    kernel: 0,
    million: [],
    conditions: {},
    ...old,
  };
  const keep = (): void => {
    if (!options.dry) save(FILE, scaling);
  };
  for (const scale of SCALES) {
    if (!wanted(scale.name)) continue;
    const points: Point[] = [];
    scaling.conditions[scale.name] = conditionsNow(generator, options);
    for (const value of scale.values) {
      const workload = scale.workload(value);
      const participants = scale.labels.map((label) => findParticipant(label, workload)!);
      const results = await runRounds(participants, workload, generator, options);
      points.push({
        value,
        figures: Object.fromEntries(results.map((rounds) => [
          labelOf(rounds.participant),
          Object.fromEntries(
            rounds.results.length === 0
              ? []
              : scale.figures.map((name) => [name, medianOf(name, rounds.results, workload)]),
          ),
        ])),
      });
    }
    scaling.points[scale.name] = points;
    keep();
  }
  if (wanted("cores")) {
    scaling.conditions.cores = conditionsNow(generator, options);
    scaling.cores = await measureCores(generator, options);
  }
  if (wanted("million")) {
    scaling.conditions.million = conditionsNow(generator, options);
    for (const outcome of await measureMillion(options.peers)) {
      scaling.million = [
        ...scaling.million.filter(({ label }) => label !== outcome.label),
        outcome,
      ];
    }
  }
  if (wanted("kernel")) scaling.kernel = await kernelBytes();
  keep();
  writeReport(scaling, options.dry);
}

/** Measures the kernel memory of one end of an idle connection, in bytes. */
async function kernelBytes(): Promise<number> {
  const slab = (): number =>
    1024 * Number(/^Slab:\s+(\d+)/m.exec(Deno.readTextFileSync("/proc/meminfo"))![1]);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const before = slab();
  const conns: Deno.Conn[] = [];
  while (conns.length < KERNEL_ENDS) {
    conns.push(...await Promise.all([Deno.connect({ port }), listener.accept()]));
  }
  const bytes = (slab() - before) / KERNEL_ENDS;
  for (const conn of conns) conn.close();
  return bytes;
}
