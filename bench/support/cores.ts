// Pins the measured process and the load generator to different cores.

const SERVER_CORE = "0";
const LOAD_CORE = "1";

/** Whether processes can be pinned to a core. */
export const canPin: boolean = navigator.hardwareConcurrency > 1 && hasTaskset();

function hasTaskset(): boolean {
  try {
    return new Deno.Command("taskset", { args: ["--version"], stdout: "null" }).outputSync()
      .success;
  } catch {
    return false;
  }
}

/** Returns a command that runs on one core. */
export function pinned(core: string, command: string[]): string[] {
  return canPin ? ["taskset", "--cpu-list", core, ...command] : command;
}

/** Returns a command that runs on the core of the measured processes. */
export function onServerCore(command: string[]): string[] {
  return pinned(SERVER_CORE, command);
}

function move(core: string, pid: number): void {
  if (!canPin) return;
  const args = ["--all-tasks", "--cpu-list", "--pid", core, String(pid)];
  new Deno.Command("taskset", { args, stdout: "null" }).outputSync();
}

/** Moves a running process and all its threads to the core of the measured processes. */
export function moveToServerCore(pid: number): void {
  move(SERVER_CORE, pid);
}

/** Moves a running process and all its threads to the core of the load generator. */
export function moveToLoadCore(pid: number): void {
  move(LOAD_CORE, pid);
}

/** Returns a command that runs on the core of the load generator. */
export function onLoadCore(command: string[]): string[] {
  return pinned(LOAD_CORE, command);
}

/** The unit of times in /proc: hundredths of a second. */
const CLOCK_TICKS = 100;

/** Returns the CPU time of a process since its start, user and system, in seconds. */
export function cpuSecondsOf(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The second field, the program's name, may contain spaces. The times are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}
