// The examples as processes, on each of the runtimes.

import { join } from "node:path";
import { Example } from "../project/example_process.ts";
import { root } from "../project/source_files.ts";
import { runtimeCommand, type RuntimeName } from "../support/runtimes.ts";

/** How an example is started. */
export interface StartOptions {
  /** Its arguments. */
  args?: string[];
  /** Its environment, besides `PORT` (chosen by the system). */
  env?: Record<string, string>;
}

/** The command of an example, given by its path below `examples`. */
export function exampleCommand(runtime: RuntimeName, path: string, ...args: string[]): string[] {
  const { command, args: all } = runtimeCommand(runtime, join(root, "examples", path), ...args);
  return [command, ...all];
}

/** Starts an example; if it is a server, on a port that the system chooses. */
export function startExample(
  runtime: RuntimeName,
  path: string,
  { args = [], env = {} }: StartOptions = {},
): Example {
  return new Example(exampleCommand(runtime, path, ...args), root, { PORT: "0", ...env });
}

/** The URL that a server prints when it listens. */
export function webSocketUrl(example: Example): Promise<string> {
  return example.printed(/ws:\/\/127\.0\.0\.1:\d+\//);
}
