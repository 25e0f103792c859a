// A report as JSON: for programs, and to compare one run with another.

import { countVerdicts, type Report } from "./report.ts";

/** The report as text, with the counts in front. */
export function formatJson(report: Report): string {
  const { results, ...about } = report;
  return `${JSON.stringify({ ...about, counts: countVerdicts(results), results }, null, 2)}\n`;
}
