// Writes the tables of measured figures in the documentation from `bench/results`, between markers.

import { join } from "node:path";
import { type Comparison, comparisonTable, showAllConditions } from "../run/compare.ts";
import { load } from "../run/store.ts";
import { root } from "../support/runtimes.ts";

/** The pages with a table, by the name of their results. */
const PAGES = {
  ws: "docs/guide/ws.md",
  native: "docs/guide/servers.md",
  fflate: "docs/compression.md",
};

/** Writes all tables with results. */
export function writeTables(): void {
  for (const [name, page] of Object.entries(PAGES)) {
    const comparisons = load<Comparison[]>(`${name}.json`);
    if (comparisons === undefined) {
      console.error(`The table of ${page} is not written: ${name}.json is missing`);
      continue;
    }
    const path = join(root, page);
    const content = [...comparisons.map(comparisonTable), `${showAllConditions(comparisons)}.`];
    Deno.writeTextFileSync(
      path,
      replaceBetween(Deno.readTextFileSync(path), name, content.join("\n\n")),
    );
    // Wraps the conditions at the project's line width.
    new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", path], cwd: root }).outputSync();
  }
}

/** Replaces the content of a page between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`. */
export function replaceBetween(page: string, name: string, content: string): string {
  const [begin, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`The page has no ${begin} before ${end}`);
  return `${page.slice(0, from + begin.length)}\n\n${content}\n\n${page.slice(to)}`;
}
