// Starts benchmark processes on each runtime and reads their output.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runtimeCommand, type RuntimeName } from "../../tests/support/runtimes.ts";

export { type RuntimeName, runtimeNames } from "../../tests/support/runtimes.ts";

/** The repository's root, which is the working directory of all processes. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

/** Returns the command line that runs a module of `bench` on a runtime. */
export function commandFor(runtime: RuntimeName, module: string, ...args: string[]): string[] {
  const { command, args: all } = runtimeCommand(runtime, join(root, "bench", module), ...args);
  return [command, ...all];
}

/** Adds the flag for garbage collection on request. Bun needs none, because it has `Bun.gc`. */
export function collectable(runtime: RuntimeName, [program, ...args]: string[]): string[] {
  switch (runtime) {
    case "node":
      return [program!, "--expose-gc", ...args];
    case "deno":
      return [program!, args[0]!, "--v8-flags=--expose-gc", ...args.slice(1)];
    case "bun":
      return [program!, ...args];
  }
}

/** Starts a command, with its standard output piped. */
export function start(
  [program, ...args]: string[],
  options: Pick<Deno.CommandOptions, "env" | "stdin" | "stdout"> = {},
): Deno.ChildProcess {
  return new Deno.Command(program!, {
    args,
    cwd: root,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
    ...options,
  }).spawn();
}

/** Yields the lines of a process's standard output. */
export async function* linesOf(child: Deno.ChildProcess): AsyncGenerator<string, void> {
  let rest = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

/** Returns the next line. Rejects if the output has ended. */
export async function nextLine(lines: AsyncGenerator<string, void>): Promise<string> {
  const { value, done } = await lines.next();
  if (done) throw new Error("A benchmark process exited before it printed a result");
  return value;
}

/** Kills a process if it is still running, and waits until it has exited. */
export async function stop(child: Deno.ChildProcess): Promise<void> {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has already exited.
  }
  await child.status;
}
