// Computes the contents of a report.

import assert from "node:assert/strict";
import { countVerdicts, isHealthy, notRunResult, resultOf } from "../../doctor/report.ts";
import { Recording } from "../../doctor/recording.ts";
import { framing } from "../../doctor/cases/framing.ts";
import { REPORT, RESULTS } from "./reports.ts";

Deno.test("counts the verdicts", () => {
  assert.deepEqual(countVerdicts(RESULTS), {
    "PASS": 1,
    "INFORMATIONAL": 0,
    "NON-STRICT": 1,
    "UNIMPLEMENTED": 1,
    "FAIL": 1,
  });
});

Deno.test("an endpoint is healthy if no case failed", () => {
  assert.equal(isHealthy(REPORT), false);
  const results = RESULTS.filter(({ verdict }) => verdict !== "FAIL");
  assert.equal(isHealthy({ ...REPORT, results }), true);
});

Deno.test("every outcome except PASS has an explanation", () => {
  const recording = new Recording(() => 0);
  recording.add(true, Uint8Array.of(1));
  const pass = resultOf(framing[0]!, { verdict: "PASS", note: "" }, 1.6, recording);
  assert.deepEqual([pass.milliseconds, pass.expected, pass.exchange], [2, undefined, undefined]);
  const fail = resultOf(framing[0]!, { verdict: "FAIL", note: "no" }, 1, recording);
  assert.match(fail.expected!, /text message of 0 bytes/);
  assert.deepEqual(fail.exchange?.entries, recording.entries);
});

Deno.test("a skipped case names the option that it needs", () => {
  const { verdict, note } = notRunResult({ ...framing[0]!, missing: "--max-message-size" });
  assert.deepEqual([verdict, note], [
    "INFORMATIONAL",
    "not run: it needs the option --max-message-size",
  ]);
});
