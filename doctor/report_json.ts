// The report as JSON: for programs, and to compare two runs.

import { escapeInJson } from "./printable.ts";
import { countVerdicts, type Report } from "./report.ts";

/** The report as text, starting with the counts. */
export function formatJson(report: Report): string {
  const { results, ...about } = report;
  const counts = countVerdicts(results);
  return `${escapeInJson(JSON.stringify({ ...about, counts, results }, null, 2))}\n`;
}
