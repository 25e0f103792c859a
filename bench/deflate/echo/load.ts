// The load: connections that keep a server busy for some time, each with one message in flight. Prints
// "begin" when counting begins, and then one JSON line.

import process from "node:process";
import type { Socket } from "node:net";
import { type CompressionMode, framesOf, keepInFlight, open } from "./client.ts";

/** What to send, as the JSON text in the first argument. */
export interface CompressedLoad {
  port: number;
  connections: number;
  /** Bytes of one message before compression. */
  size: number;
  mode: CompressionMode;
  /** Milliseconds before counting begins. */
  warmUp: number;
  /** Milliseconds of counting. */
  duration: number;
}

/** What was counted. */
export interface CompressedEchoes {
  messages: number;
  /** Bytes of the replies' payloads. */
  received: number;
}

const { port, connections, size, mode, warmUp, duration }: CompressedLoad = JSON.parse(
  process.argv[2]!,
);

const after = (time: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, time));

const frames = await framesOf(mode, size);
const counted: CompressedEchoes = { messages: 0, received: 0 };
const sockets: Socket[] = [];
while (sockets.length < connections) sockets.push(await open(port, mode));
for (const socket of sockets) {
  keepInFlight(socket, frames, (received) => {
    counted.messages++;
    counted.received += received;
    return true;
  });
}
await after(warmUp);
process.stdout.write("begin\n");
const before = { ...counted };
await after(duration);
const result: CompressedEchoes = {
  messages: counted.messages - before.messages,
  received: counted.received - before.received,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);
