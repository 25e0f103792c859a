// A core for the measured process and another one for the load, so that neither takes the other's time.

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

/** The command of a process that keeps to one core. */
export function pinned(core: string, command: string[]): string[] {
  return canPin ? ["taskset", "--cpu-list", core, ...command] : command;
}

/** The command of a measured process, on the core for these. */
export function onServerCore(command: string[]): string[] {
  return pinned(SERVER_CORE, command);
}

/** Moves a process that was started by others to the core of the measured ones, with all its threads. */
export function moveToServerCore(pid: number): void {
  if (!canPin) return;
  const args = ["--all-tasks", "--cpu-list", "--pid", SERVER_CORE, String(pid)];
  new Deno.Command("taskset", { args, stdout: "null" }).outputSync();
}

/** The command of a load generator, on the other core. */
export function onLoadCore(command: string[]): string[] {
  return pinned(LOAD_CORE, command);
}

/** How /proc counts time: in hundredths of a second. */
const CLOCK_TICKS = 100;

/** Seconds of CPU time that a process has used since it was started, user and system, all threads. */
export function cpuSecondsOf(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The second field, the program's name, may hold spaces; the times are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}
