// CPU time and memory of the measured process and of this one.

import { readFileSync } from "node:fs";
import process from "node:process";
import type { Load, LoadResult } from "../load.ts";

/** The unit of the times in /proc: hundredths of a second. */
const CLOCK_TICKS = 100;

/** The CPU time in seconds for which the resolution of a tick is good enough. */
const LEAST_CPU = 0.3;

/** Limits how far a measurement may be extended on a busy machine. */
const PATIENCE_FACTOR = 4;

/** Resolves after a number of milliseconds. */
export function after(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time));
}

function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
}

function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field, the program's name, may contain spaces. The times are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

/** Returns the resident memory of processes, in bytes. */
export function residentBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + residentBytesOf(pid), 0);
}

function residentBytesOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) * 1024;
}

/** Warms up, then measures the increase of `done` over the duration of the load. */
export async function count(load: Load, done: () => number): Promise<Partial<LoadResult>> {
  const { pids, warmUp, duration } = load;
  await after(warmUp);
  const messages = done();
  const cpu = cpuSeconds(pids);
  const own = process.cpuUsage();
  const began = performance.now();
  await after(duration);
  const end = began + PATIENCE_FACTOR * duration;
  while (cpuSeconds(pids) - cpu < LEAST_CPU && performance.now() < end) await after(duration / 10);
  const { user, system } = process.cpuUsage(own);
  return {
    messages: done() - messages,
    seconds: (performance.now() - began) / 1000,
    cpu: cpuSeconds(pids) - cpu,
    ownCpu: (user + system) / 1e6,
    memory: residentBytes(pids),
    memoryBefore: 0,
    lost: 0,
  };
}
