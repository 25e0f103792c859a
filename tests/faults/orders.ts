// How the processes of the load are told what to do: a line of JSON, and one in answer.

import process from "node:process";
import { createInterface } from "node:readline";

/**
 * Answers each line of the standard input, one after the other. After the answer to `"quit"` the
 * process is left with nothing of ours: it has to exit.
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
