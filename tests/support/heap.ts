// How much memory is really in use, so that a leak can be told from what is only not collected yet.

import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Bytes that objects need which are still reachable. */
export function bytesInUse(): number {
  collect();
  return process.memoryUsage().heapUsed;
}
