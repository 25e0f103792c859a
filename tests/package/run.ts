// Runs programs to completion.

import assert from "node:assert/strict";
import { join } from "node:path";
import { root } from "../project/source_files.ts";
import { nodePath } from "../support/runtimes.ts";

/** Runs a program in a folder, asserts that it succeeds, and returns its output. */
export async function printed(cwd: string, command: string, ...args: string[]): Promise<string> {
  const env = { NO_COLOR: "1" };
  const { success, stdout, stderr } = await new Deno.Command(command, { args, cwd, env }).output();
  const decoder = new TextDecoder();
  const said = decoder.decode(stdout) + decoder.decode(stderr);
  assert.ok(success, `${command} ${args.join(" ")}:\n${said}`);
  return said;
}

/**
 * Runs a tool on Node as {@linkcode printed} does, in the folder of the repository and without
 * threads for garbage and for compilation, which take more time in sum.
 */
export function nodePrinted(script: string, ...args: string[]): Promise<string> {
  return printed(root, nodePath(), "--single-threaded", script, ...args);
}

/**
 * Type-checks projects, except for the libraries of TypeScript and the types of Node.
 *
 * @param compiler The directory of the compiler.
 * @param configs The paths of `tsconfig.json` files.
 * @returns The errors of each project.
 */
export async function typeErrors(
  compiler: string,
  configs: readonly string[],
): Promise<string[][]> {
  const script = join(root, "tests", "package", "check_types.mjs");
  const lines = await nodePrinted(script, compiler, ...configs);
  return lines.trim().split("\n").map((line) => JSON.parse(line));
}
