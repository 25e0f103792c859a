// The command protocol of the soak test's processes: each command and each reply is a line of JSON.

import process from "node:process";
import { createInterface } from "node:readline";

/**
 * Executes the commands on standard input in order. After the reply to `"quit"`, the library must
 * have no open resources, so that the process exits.
 */
export function executeCommands(execute: (command: unknown) => Promise<unknown>): void {
  const input = createInterface(process.stdin);
  let last: Promise<unknown> = Promise.resolve();
  input.on("line", (line) => {
    const command: unknown = JSON.parse(line);
    last = last.then(async () => {
      const answer = await execute(command);
      process.stdout.write(`${JSON.stringify(answer ?? null)}\n`);
      if (command !== "quit") return;
      input.close();
      process.stdin.destroy();
    });
  });
}
