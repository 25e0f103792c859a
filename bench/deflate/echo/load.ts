// The load: connections with one message in flight each. Prints "begin" after the warm-up, and then
// one JSON line. It counts messages instead of seconds, so that the warm-up is the same for a slow
// server.

import process from "node:process";
import type { Socket } from "node:net";
import { type CompressionMode, framesOf, keepInFlight, open } from "./client.ts";

/** The settings, passed as JSON in the first argument. */
export interface CompressedLoad {
  port: number;
  connections: number;
  /** Message size before compression, in bytes. */
  size: number;
  mode: CompressionMode;
  /** The number of counted messages. The warm-up sends the same number before them. */
  messages: number;
}

/** The counts. */
export interface CompressedEchoes {
  /** The payload size of all replies, in bytes. */
  received: number;
}

const { port, connections, size, mode, messages }: CompressedLoad = JSON.parse(process.argv[2]!);

const frames = await framesOf(mode, size);
const sockets: Socket[] = [];
while (sockets.length < connections) sockets.push(await open(port, mode));
let echoed = 0;
const counted: CompressedEchoes = { received: 0 };
for (const socket of sockets) {
  keepInFlight(socket, frames, (received) => {
    echoed++;
    if (echoed === messages) process.stdout.write("begin\n");
    else if (echoed > messages && echoed <= 2 * messages) counted.received += received;
    if (echoed === 2 * messages) process.stdout.write(`${JSON.stringify(counted)}\n`);
    return echoed < 2 * messages;
  });
}
