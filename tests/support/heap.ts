// Measures retained memory, to distinguish a leak from garbage that is not collected yet.

import process from "node:process";
import { setImmediate } from "node:timers";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Bytes of objects that are still reachable. */
function bytesInUse(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

const ROUNDS = 4;

/**
 * Returns the bytes that each call of `work` retains. Memory of the runtime itself, such as
 * compiled code, grows only in some rounds, so the smallest result counts: a leak appears in every
 * round.
 *
 * @param count The number of calls in a round.
 */
export async function bytesKeptEach(count: number, work: () => Promise<void>): Promise<number> {
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
