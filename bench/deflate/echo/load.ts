// The load: connections that keep a server busy for some messages, each with one in flight. Prints
// "begin" when counting begins, and then one JSON line. It counts messages and not time, so that a
// server that has to share its processor is as warm as another.

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
  /** Messages that are counted; as many go before them. */
  messages: number;
}

/** What was counted. */
export interface CompressedEchoes {
  /** Bytes of the replies' payloads. */
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
