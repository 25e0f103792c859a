// Starts the examples as processes on each runtime.

import { join } from "node:path";
import { Example } from "../project/example_process.ts";
import { root } from "../project/source_files.ts";
import { runtimeCommand, type RuntimeName } from "../support/runtimes.ts";

/** Options to start an example. */
export interface StartOptions {
  /** Command-line arguments. */
  args?: string[];
  /** Environment variables besides `PORT`, which the system chooses. */
  env?: Record<string, string>;
}

/** Returns the command of an example, given its path in `examples`. */
export function exampleCommand(runtime: RuntimeName, path: string, ...args: string[]): string[] {
  const { command, args: all } = runtimeCommand(runtime, join(root, "examples", path), ...args);
  return [command, ...all];
}

/** Starts an example. A server listens on a port that the system chooses. */
export function startExample(
  runtime: RuntimeName,
  path: string,
  { args = [], env = {} }: StartOptions = {},
): Example {
  return new Example(exampleCommand(runtime, path, ...args), root, { PORT: "0", ...env });
}

/** Returns the URL that a server prints when it is listening. */
export function webSocketUrl(example: Example): Promise<string> {
  return example.printed(/ws:\/\/127\.0\.0\.1:\d+\//);
}
