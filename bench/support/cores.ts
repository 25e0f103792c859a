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

function pinned(core: string, command: string[]): string[] {
  return canPin ? ["taskset", "--cpu-list", core, ...command] : command;
}

/** The command of a measured process, on the core for these. */
export function onServerCore(command: string[]): string[] {
  return pinned(SERVER_CORE, command);
}

/** The command of a load generator, on the other core. */
export function onLoadCore(command: string[]): string[] {
  return pinned(LOAD_CORE, command);
}
