// Processes of the benchmarks: how they are started on each runtime, and what they print.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runtimeCommand, type RuntimeName } from "../../tests/support/runtimes.ts";

export { type RuntimeName, runtimeNames } from "../../tests/support/runtimes.ts";

/** The directory of the repository, which is that of all processes. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

/** What the tests give Node, and nobody who wants speed: the maps are a third of a small server's heap. */
const SOURCE_MAPS = "--enable-source-maps";

/** The command line that runs a module of the benchmarks, by its path in `bench`, on a runtime. */
export function commandFor(runtime: RuntimeName, module: string, ...args: string[]): string[] {
  const { command, args: all } = runtimeCommand(runtime, join(root, "bench", module), ...args);
  return [command, ...all.filter((argument) => argument !== SOURCE_MAPS)];
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

/** The lines that a process prints. */
export async function* linesOf(child: Deno.ChildProcess): AsyncGenerator<string, void> {
  let rest = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

/** The next line, which must come. */
export async function nextLine(lines: AsyncGenerator<string, void>): Promise<string> {
  const { value, done } = await lines.next();
  if (done) throw new Error("A process of the benchmark ended too early");
  return value;
}

/** Ends a process, if it has not ended by itself. */
export async function stop(child: Deno.ChildProcess): Promise<void> {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has.
  }
  await child.status;
}
