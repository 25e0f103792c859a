// Builds Go programs on first use.

import { basename, dirname, join } from "node:path";
import { root } from "./runtimes.ts";

const built = new Map<string, string | undefined>();

/**
 * Builds the program in a directory.
 *
 * @returns Its path, or `undefined` if the build fails. The reason is printed once to standard
 * error.
 */
export function goProgram(directory: string): string | undefined {
  if (!built.has(directory)) built.set(directory, build(directory));
  return built.get(directory);
}

function build(directory: string): string | undefined {
  const name = `${basename(dirname(directory))}-${basename(directory)}`;
  const output = join(root, ".build", "bench", name);
  const args = ["build", "-mod=readonly", "-o", output, "."];
  const env = { CGO_ENABLED: "0", GOFLAGS: "" };
  let problem: string;
  try {
    const { success, stderr } = new Deno.Command("go", { args, cwd: directory, env }).outputSync();
    if (success) return output;
    problem = new TextDecoder().decode(stderr);
  } catch (error) {
    problem = String(error);
  }
  console.error(`Skipping ${directory}: ${problem}`);
  return undefined;
}
