// Formats a report as JSON.

import assert from "node:assert/strict";
import { formatJson } from "../../doctor/report_json.ts";
import { REPORT } from "./reports.ts";

Deno.test("the JSON report has all results and the counts", () => {
  const { counts, ...report } = JSON.parse(formatJson(REPORT));
  assert.deepEqual(report, REPORT);
  assert.equal(counts.FAIL, 1);
});
