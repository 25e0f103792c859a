// How much memory is really in use, so that a leak can be told from what is only not collected yet.

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
 * Bytes that are kept each time `work` is done. What the runtime itself keeps, such as compiled code,
 * comes in some rounds and not in others, so the round that keeps least is the one that counts: a
 * leak is in all of them.
 *
 * @param count How often it is done in a round.
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
