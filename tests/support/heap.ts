// Measures retained memory, so that garbage awaiting collection does not look like a leak.

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

const ROUNDS = 4;

/**
 * Returns the bytes that each call of `work` retains. Takes the smallest result of several rounds:
 * a leak shows in each of them, whereas the runtime's own memory, such as compiled code, grows only
 * in some.
 *
 * @param count The number of calls in a round.
 */
export async function retainedBytesEach(count: number, work: () => Promise<void>): Promise<number> {
  let least = Infinity;
  let before = Infinity;
  for (let round = 0; round <= ROUNDS; round++) {
    for (let i = 0; i < count; i++) await work();
    await new Promise((resolve) => void setImmediate(resolve));
    const after = bytesInUse();
    least = Math.min(least, round === 0 ? Infinity : (after - before) / count);
    before = after;
  }
  return least;
}
