import type { Report } from "./report.ts";
export function formatHtml(report: Report): string {
  return JSON.stringify(report);
}
