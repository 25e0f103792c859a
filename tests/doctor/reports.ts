// A sample report for the tests of report formats.

import type { Report, Result } from "../../doctor/report.ts";

const RULE = "RFC 6455 5.2";

/** Results with every verdict. */
export const RESULTS: readonly Result[] = [
  { id: "1.1.1", title: "An echo", rfc: RULE, verdict: "PASS", note: "", milliseconds: 3 },
  {
    id: "6.4.1",
    title: "Invalid UTF-8",
    rfc: RULE,
    verdict: "NON-STRICT",
    note: "late",
    expected: "the connection is failed",
    milliseconds: 1000,
  },
  {
    id: "26.2.1",
    title: "No <Host>",
    rfc: RULE,
    verdict: "FAIL",
    note: 'The server said "<script>alert(1)</script>" & stayed',
    expected: "a rejection",
    milliseconds: 12,
    exchange: {
      entries: [
        { sent: true, time: 0, size: 3, hex: "474554" },
        { sent: false, time: 1.6, size: 100, hex: "81".repeat(64) },
      ],
      leftOut: 2,
    },
  },
  {
    id: "26.2.2",
    title: "Two Host fields",
    rfc: RULE,
    verdict: "UNIMPLEMENTED",
    note: "declined",
    milliseconds: 12,
    shrunk: "fewer messages",
  },
];

/** A report with these results. */
export const REPORT: Report = {
  agent: "a <server>",
  role: "server",
  endpoint: "ws://127.0.0.1:1/",
  date: "2026-01-02T03:04:05.678Z",
  fast: true,
  leftOut: 7,
  results: RESULTS,
};
