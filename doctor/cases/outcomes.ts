// The verdicts of the additional groups, by the close code, a missing Close frame, or no failure.

import type { Outcome } from "../case.ts";
import { fails, failsWith } from "../steps.ts";

/**
 * The connection must be failed, with a matching close code (RFC 6455 7.1.7).
 *
 * @param codes The matching codes.
 * @param silent Whether a missing Close frame is also a PASS.
 */
export function strictlyFailed(codes: readonly number[], silent = false): Outcome[] {
  return [
    failsWith(codes, silent),
    {
      ...failsWith([], true),
      verdict: "NON-STRICT",
      note: "the stream ended without a Close frame",
    },
    {
      ...fails(),
      expected: "anything",
      verdict: "NON-STRICT",
      note: "the close code is different",
    },
  ];
}
