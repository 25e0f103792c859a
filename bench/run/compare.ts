// Compares a few variants of one program in alternating rounds: medians, and ratios with their
// spread.

import manifest from "../../deno.json" with { type: "json" };
import type { RuntimeName } from "../support/runtimes.ts";
import { markdownTable, median } from "../support/table.ts";
import { type Conditions, conditionsNow, showConditions } from "./conditions.ts";
import { progress } from "./progress.ts";
import type { Effort } from "./rounds.ts";
import { load, save } from "./store.ts";

/** A median, with the lowest and the highest value. */
export interface Spread {
  median: number;
  low: number;
  high: number;
}

/** The results of one case. */
export interface Row {
  /** Identifies the row in plots. */
  key: string;
  /** The name and the unit for tables. */
  title: string;
  decimals: number;
  /** The figures by variant. If a variant could not be measured, it has none. */
  figures: Record<string, Spread>;
  /** The figure of quickws divided by that of each other variant, computed per round. */
  ratios: Record<string, Spread>;
  /** Compressed size divided by original size, by variant, if the case compresses. */
  compressed?: Record<string, number>;
}

/** The results of all cases on one runtime. */
export interface Comparison {
  runtime: RuntimeName;
  conditions: Conditions;
  /** The order of the columns. */
  variants: string[];
  /** The variant that is quickws. */
  quickws: string;
  rows: Row[];
}

/** The figures of each variant, one per round; `undefined` if the measurement failed. */
export type Rounds = Record<string, (number | undefined)[]>;

/**
 * Returns the runtimes to measure: the requested ones, or all of `possible`.
 *
 * @throws {TypeError} If a runtime is unknown or cannot run the benchmark.
 */
export function chooseRuntimes(
  asked: readonly string[] | undefined,
  possible: readonly RuntimeName[],
): RuntimeName[] {
  const unknown = asked?.find((name) => !possible.some((each) => each === name));
  if (unknown !== undefined) {
    throw new TypeError(
      `--runtimes has "${unknown}"; this benchmark runs on ${possible.join(", ")}`,
    );
  }
  return possible.filter((name) => asked?.includes(name) ?? true);
}

/** Measures each variant once per round. Each round starts with a different variant. */
export async function alternate(
  title: string,
  variants: readonly string[],
  rounds: number,
  measure: (variant: string) => Promise<number>,
): Promise<Rounds> {
  const found: Rounds = Object.fromEntries(variants.map((variant) => [variant, []]));
  for (let round = 0; round < rounds; round++) {
    for (let index = 0; index < variants.length; index++) {
      const variant = variants[(index + round) % variants.length]!;
      progress(`${title}: round ${round + 1} of ${rounds}, ${variant}`);
      try {
        found[variant]![round] = await measure(variant);
      } catch (error) {
        progress();
        console.error(`${title}, ${variant}: ${(error as Error).message}`);
        found[variant]![round] = undefined;
      }
    }
  }
  progress();
  return found;
}

function spread(values: (number | undefined)[]): Spread | undefined {
  const measured = values.filter((value) => value !== undefined);
  if (measured.length === 0) return undefined;
  return { median: median(measured), low: Math.min(...measured), high: Math.max(...measured) };
}

function present(entries: [string, Spread | undefined][]): Record<string, Spread> {
  return Object.fromEntries(
    entries.filter((entry): entry is [string, Spread] => entry[1] !== undefined),
  );
}

/** Returns the row of a case. */
export function summarize(
  { key, title, decimals }: Pick<Row, "key" | "title" | "decimals">,
  found: Rounds,
  quickws: string,
): Row {
  const others = Object.entries(found).filter(([variant]) => variant !== quickws);
  return {
    key,
    title,
    decimals,
    figures: present(Object.entries(found).map(([variant, values]) => [variant, spread(values)])),
    ratios: present(others.map(([variant, values]) => {
      // Per round, so that both figures were measured under the same conditions.
      const ratios = values.map((value, round) => {
        const own = found[quickws]![round];
        return value === undefined || own === undefined ? undefined : own / value;
      });
      return [variant, spread(ratios)];
    })),
  };
}

/** A case, and how to measure its figure. */
export interface Case extends Pick<Row, "key" | "title" | "decimals"> {
  measure: (variant: string) => Promise<number>;
}

/** Measures all cases on one runtime, in alternating rounds. */
export async function compareCases(
  setup: Omit<Comparison, "rows">,
  cases: readonly Case[],
  rounds: number,
): Promise<Comparison> {
  const rows: Row[] = [];
  for (const each of cases) {
    const title = `${setup.runtime}: ${each.title}`;
    const found = await alternate(title, setup.variants, rounds, each.measure);
    rows.push(summarize(each, found, setup.quickws));
  }
  return { ...setup, rows };
}

/** Returns the conditions of a comparison, with the versions of the participants. */
export function comparisonConditions(
  runtime: RuntimeName,
  generator: string,
  effort: Effort,
  packages: readonly (keyof typeof manifest.imports)[],
): Conditions {
  const conditions = conditionsNow({ name: generator }, effort);
  const versions = packages.map((name) => [name, manifest.imports[name].replace(/^.*@/, "")]);
  return {
    ...conditions,
    versions: {
      [runtime]: conditions.versions[runtime]!,
      ...Object.fromEntries(versions),
    },
  };
}

/** Prints a comparison, and saves it unless `dry` is set. */
export function report(file: string, comparison: Comparison, dry: boolean): void {
  console.log(`\n${comparisonTable(comparison)}\n\n${showConditions(comparison.conditions)}`);
  if (!dry) keepComparison(file, comparison);
}

/** Saves a comparison, replacing the earlier one on the same runtime. */
function keepComparison(file: string, comparison: Comparison): void {
  const kept = load<Comparison[]>(file) ?? [];
  const others = kept.filter(({ runtime }) => runtime !== comparison.runtime);
  const order = ["node", "bun", "deno"];
  save(
    file,
    [...others, comparison].sort((a, b) => order.indexOf(a.runtime) - order.indexOf(b.runtime)),
  );
}

function showRatio(ratio: Spread | undefined): string {
  if (ratio === undefined) return "";
  const [median, low, high] = [ratio.median, ratio.low, ratio.high].map((it) => it.toFixed(2));
  return `${median} (${low} - ${high})`;
}

/** Formats a comparison as a Markdown table. */
export function comparisonTable(
  { runtime, conditions, variants, quickws, rows }: Comparison,
): string {
  const others = variants.filter((variant) => rows.some(({ ratios }) => variant in ratios));
  const header = [
    `${runtime[0]!.toUpperCase()}${runtime.slice(1)} ${conditions.versions[runtime]}`,
    ...variants,
    ...others.map((variant) => `${quickws} / ${variant}`),
  ];
  const lines = rows.map(({ title, decimals, figures, ratios, compressed }) => [
    title,
    ...variants.map((variant) => {
      const figure = figures[variant]?.median;
      if (figure === undefined) return "not measured";
      const share = compressed?.[variant];
      const size = share === undefined ? "" : ` (${(share * 100).toFixed(0)} %)`;
      return Number(figure.toFixed(decimals)).toLocaleString("en", {
        minimumFractionDigits: decimals,
      }) + size;
    }),
    ...others.map((variant) => showRatio(ratios[variant])),
  ]);
  return markdownTable([header, ...lines]);
}

/** Formats the conditions of several comparisons as a line of text. */
export function showAllConditions(comparisons: readonly Comparison[]): string {
  const versions = Object.assign({}, ...comparisons.map(({ conditions }) => conditions.versions));
  return showConditions({ ...comparisons[0]!.conditions, versions });
}
