// Formats a report for the terminal.

import assert from "node:assert/strict";
import { formatEntry, formatTable, TerminalReport } from "../../doctor/report_terminal.ts";
import { REPORT, RESULTS } from "./reports.ts";

function shown(isTerminal: boolean, verbose = false): string {
  let text = "";
  const report = new TerminalReport(
    { isTerminal, write: (piece) => text += piece },
    RESULTS.length,
    verbose,
  );
  for (const result of RESULTS) report.result(result);
  report.summary(REPORT);
  return text;
}

Deno.test("the table shows groups, verdicts that occur, and totals", () => {
  assert.equal(
    formatTable(RESULTS),
    [
      "Group        Cases  PASS  NON-STRICT  UNIMPLEMENTED  FAIL",
      " 1 Framing       1     1           -              -     -",
      " 6 UTF-8         1     -           1              -     -",
      "26 Requests      2     -           -              1     1",
      "All              4     1           1              1     1",
    ].join("\n"),
  );
});

Deno.test("the summary shows problems with their bytes, failures first", () => {
  const text = shown(false);
  assert.ok(text.indexOf("26.2.1   FAIL") < text.indexOf("6.4.1    NON-STRICT"));
  assert.match(text, /allowed {3}a rejection/);
  assert.match(text, /happened {2}The server said/);
  assert.match(text, / 0 ms -> 47 45 54\n/);
  assert.match(text, / 2 ms <- 81 81 .* \.\.\. \(100 bytes\)\n/);
  assert.match(text, /--fast: 7 cases were skipped, 1 were shortened/);
});

Deno.test("prints neither colors nor progress lines to a pipe", () => {
  // deno-lint-ignore no-control-regex -- searches for control characters
  assert.ok(!/[\u001b\r]/.test(shown(false)));
  assert.ok(shown(true).includes("4 of 4 cases (100%)"));
  assert.ok(shown(true).includes("\u001b[31m26.2.1   FAIL"));
});

Deno.test("verbose mode shows every case", () => {
  assert.ok(!shown(false).includes("An echo"));
  assert.ok(shown(false, true).includes("1.1.1    PASS  An echo"));
});

Deno.test("prints one line per entry", () => {
  const entry = { sent: true, time: 12.4, size: 2, hex: "0aff" };
  assert.equal(formatEntry(entry), "    12 ms -> 0a ff");
});
