// Opens many connections, exchanges some messages on each, and keeps them open and idle:
// hold.ts <port> <mode> <connections> <size> <messages>. Prints "held" when all are idle.

import process from "node:process";
import { type CompressionMode, framesOf, keepInFlight, open } from "./client.ts";

const [port, mode, ...numbers] = process.argv.slice(2);
const [connections = 0, size = 0, messages = 0] = numbers.map(Number);

/** The number of connections that are busy concurrently. */
const AT_ONCE = 50;

const frames = await framesOf(mode as CompressionMode, size);

async function converse(): Promise<void> {
  const socket = await open(Number(port), mode as CompressionMode);
  let left = messages;
  await new Promise<void>((resolve) =>
    keepInFlight(socket, frames, () => {
      if (--left === 0) resolve();
      return left > 0;
    })
  );
}

let opened = 0;
await Promise.all(Array.from({ length: AT_ONCE }, async () => {
  while (opened++ < connections) await converse();
}));
process.stdout.write("held\n");
