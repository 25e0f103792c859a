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
 * threads for garbage collection and compilation, which take more CPU time in total.
 */
export function nodePrinted(script: string, ...args: string[]): Promise<string> {
  return printed(root, nodePath(), "--single-threaded", script, ...args);
}

/** Runs a script of this folder that prints a line of JSON for each of its inputs. */
async function printedLines<T>(script: string, ...args: string[]): Promise<T[]> {
  const lines = await nodePrinted(join(root, "tests", "package", script), ...args);
  return lines.trim().split("\n").map((line) => JSON.parse(line));
}

/**
 * Type-checks projects, except for the libraries of TypeScript and the types of Node.
 *
 * @param compiler The directory of the compiler.
 * @param configs The paths of `tsconfig.json` files.
 * @returns The errors of each project.
 */
export function typeErrors(compiler: string, configs: readonly string[]): Promise<string[][]> {
  return printedLines("check_types.mjs", compiler, ...configs);
}

/** A problem with the types of a package, as `attw` describes it. */
export interface ResolutionProblem {
  readonly kind: string;
  /** The mode of module resolution, if the problem depends on it. */
  readonly resolutionKind?: string;
}

/** Returns the problems with the types of each package. */
export function resolutionProblems(tarballs: readonly string[]): Promise<ResolutionProblem[][]> {
  return printedLines("check_resolution.mjs", ...tarballs);
}
