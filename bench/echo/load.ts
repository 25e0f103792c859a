// The load: connections that keep a number of messages in flight. It runs on Node, as a process of its
// own, so that what it costs is not counted. Prints one JSON line.

import { connect, type Socket } from "node:net";
import process from "node:process";
import { Opcode } from "../../src/core.ts";
import { messagesFor } from "../core/endpoints.ts";

/** What to send, as the JSON text in the first argument. */
export interface Load {
  port: number;
  /** Whether the server speaks WebSocket, or echoes bytes. */
  webSocket: boolean;
  connections: number;
  /** Messages in flight on each connection. */
  depth: number;
  /** Bytes of payload. */
  size: number;
  /** Milliseconds before counting begins. */
  warmUp: number;
  /** Milliseconds of counting. */
  duration: number;
}

const { port, webSocket, connections, depth, size, warmUp, duration }: Load = JSON.parse(
  process.argv[2]!,
);

const requests = messagesFor("server", Opcode.Binary, new Uint8Array(size).fill(7), depth);
const requestSize = requests.length / depth;
const replySize = webSocket
  ? messagesFor("client", Opcode.Binary, new Uint8Array(size), 1).length
  : requestSize;
let echoed = 0;

/** Sends the first messages, and for each that comes back another one. */
function keepInFlight(socket: Socket): void {
  let pending = 0;
  socket.on("data", (chunk) => {
    pending += chunk.length;
    const whole = Math.floor(pending / replySize);
    pending -= whole * replySize;
    echoed += whole;
    for (let left = whole; left > 0; left -= depth) {
      socket.write(requests.subarray(0, Math.min(left, depth) * requestSize));
    }
  });
  socket.write(requests);
}

function open(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    socket.on("error", reject);
    socket.once("connect", () => {
      if (!webSocket) return resolve(socket);
      socket.write(
        `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          "Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\nSec-WebSocket-Version: 13\r\n\r\n",
      );
      let head = "";
      const onData = (chunk: Uint8Array): void => {
        head += String.fromCharCode(...chunk);
        if (!head.includes("\r\n\r\n")) return;
        socket.off("data", onData);
        if (head.startsWith("HTTP/1.1 101")) resolve(socket);
        else reject(new Error(`The server refused: ${head}`));
      };
      socket.on("data", onData);
    });
  });
}

const after = (time: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, time));

const sockets: Socket[] = [];
while (sockets.length < connections) sockets.push(await open());
for (const socket of sockets) keepInFlight(socket);
await after(warmUp);
process.stdout.write("begin\n");
const before = echoed;
const began = performance.now();
await after(duration);
const messages = echoed - before;
process.stdout.write(
  `${JSON.stringify({ messages, seconds: (performance.now() - began) / 1000 })}\n`,
);
process.exit(0);
