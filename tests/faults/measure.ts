// Measures the resources of a process: memory after a garbage collection, open files, and the
// library's timers.

import { readdirSync } from "node:fs";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { timers } from "../../src/shared/timer_wheel.ts";

/** The resources of a process. Memory is in bytes. */
export interface Resources {
  readonly rss: number;
  readonly heap: number;
  /** The memory of array buffers, if the runtime reports it. */
  readonly buffers: number;
  /** Open files, including sockets. */
  readonly files: number;
  /** Timers of connections. */
  readonly timers: number;
}

const bun = (globalThis as { Bun?: { gc(force: boolean): void } }).Bun;

function collector(): () => void {
  if (bun !== undefined) return () => bun.gc(true);
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

const collect = collector();

/** The number of garbage collections. Finalizers may release objects for the next collection. */
const COLLECTIONS = 5;

/** The milliseconds between collections, in which the runtime returns memory to the system. */
const PAUSE = 200;

/** Collects garbage and reports the remaining resources. */
export async function measureResources(): Promise<Resources> {
  for (let i = 0; i < COLLECTIONS; i++) {
    collect();
    await setTimeout(PAUSE);
  }
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  return {
    rss,
    heap: heapUsed,
    buffers: arrayBuffers,
    files: readdirSync("/dev/fd").length,
    timers: timers.size,
  };
}
