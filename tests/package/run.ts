// Runs programs to completion.

import assert from "node:assert/strict";

/** Runs a program in a folder, asserts its success, and returns its output. */
export async function printed(cwd: string, command: string, ...args: string[]): Promise<string> {
  const env = { NO_COLOR: "1" };
  const { success, stdout, stderr } = await new Deno.Command(command, { args, cwd, env }).output();
  const decoder = new TextDecoder();
  const said = decoder.decode(stdout) + decoder.decode(stderr);
  assert.ok(success, `${command} ${args.join(" ")}:\n${said}`);
  return said;
}
