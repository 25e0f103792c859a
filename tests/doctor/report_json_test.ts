// A report as JSON.

import assert from "node:assert/strict";
import { formatJson } from "../../doctor/report_json.ts";
import { REPORT } from "./reports.ts";

Deno.test("all of a report is in its JSON, with the counts", () => {
  const { counts, ...report } = JSON.parse(formatJson(REPORT));
  assert.deepEqual(report, REPORT);
  assert.equal(counts.FAIL, 1);
});
