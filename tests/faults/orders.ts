// The commands for the processes of the load: each is a line of JSON, answered by another.

import process from "node:process";
import { createInterface } from "node:readline";

/**
 * Answers each line of the standard input in order. After the answer to `"quit"`, the process has
 * no open resources of the library and must exit.
 */
export function obey(carryOut: (order: unknown) => Promise<unknown>): void {
  const input = createInterface(process.stdin);
  let last: Promise<unknown> = Promise.resolve();
  input.on("line", (line) => {
    const order: unknown = JSON.parse(line);
    last = last.then(async () => {
      const answer = await carryOut(order);
      process.stdout.write(`${JSON.stringify(answer ?? null)}\n`);
      if (order !== "quit") return;
      input.close();
      process.stdin.destroy();
    });
  });
}
