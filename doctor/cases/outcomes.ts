// How the own groups grade: a Close frame with the right code, one with another, none, or no failure.

import type { Outcome } from "../case.ts";
import { fails, failsWith } from "../steps.ts";

/**
 * The connection must be failed, and the Close frame is to say why (RFC 6455 7.1.7).
 *
 * @param codes The codes that fit.
 * @param silent Whether no Close frame at all is as good.
 */
export function strictlyFailed(codes: readonly number[], silent = false): Outcome[] {
  return [
    failsWith(codes, silent),
    {
      ...failsWith([], true),
      verdict: "NON-STRICT",
      note: "the stream ended without a Close frame",
    },
    { ...fails(), back: "anything", verdict: "NON-STRICT", note: "the close code is different" },
  ];
}
