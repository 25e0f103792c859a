// Measures retained memory, so that garbage awaiting collection does not look like a leak.

import assert from "node:assert/strict";
import process from "node:process";
import { setImmediate } from "node:timers";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Collects garbage and returns the bytes in use. */
function bytesInUse(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

/** The maximum number of rounds. The first is not measured. */
const ROUNDS = 4;

/**
 * Asserts that each call of `work` retains fewer than `limit` bytes. Repeats the measurement if it
 * does not: a leak shows in each round, whereas the runtime's own memory, such as compiled code,
 * grows only in some.
 *
 * @param count The number of calls in a round.
 */
export async function assertFreesMemory(
  count: number,
  limit: number,
  work: () => Promise<void>,
): Promise<void> {
  let retained = Infinity;
  let before = Infinity;
  for (let round = 0; round <= ROUNDS && retained >= limit; round++) {
    for (let i = 0; i < count; i++) await work();
    await new Promise((resolve) => void setImmediate(resolve));
    const after = bytesInUse();
    retained = Math.min(retained, round === 0 ? Infinity : (after - before) / count);
    before = after;
  }
  assert.ok(retained < limit, `each call retains ${retained} bytes instead of less than ${limit}`);
}
