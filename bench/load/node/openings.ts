// Loads of the opening handshake alone: connections that stay open and say nothing, and connections
// that are opened and closed over and over.

import type { Load, LoadResult } from "../load.ts";
import { after, count, residentBytes } from "./process.ts";
import { dial, dialAll, fail, requestHead } from "./sockets.ts";

/** Milliseconds that the server may take to come to rest before its memory is read. */
const SETTLE = 2000;

/** Masked with zeros: 1000. */
const CLOSE_FRAME = Uint8Array.of(0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8);

/** Opens connections and leaves them alone. */
export async function idle(load: Load): Promise<Partial<LoadResult>> {
  const memoryBefore = residentBytes(load.pids);
  await dialAll(load);
  await after(SETTLE);
  return { memoryBefore, memory: residentBytes(load.pids), messages: 0, lost: 0 };
}

/**
 * Keeps a number of connections in the state of being opened. Each is closed with a Close frame as
 * soon as it is open, so that the server does not have to handle an error.
 */
export async function handshakes(load: Load): Promise<Partial<LoadResult>> {
  const request = requestHead(load);
  let opened = 0;
  let done = 0;
  const open = (): void => {
    const socket = dial(load, opened++);
    let head = "";
    let accepted = false;
    socket.on("connect", () => socket.write(request));
    socket.on("data", (chunk) => {
      if (accepted) {
        socket.destroy();
        return;
      }
      head += String.fromCharCode(...chunk);
      if (!head.endsWith("\r\n\r\n")) return;
      if (!head.startsWith("HTTP/1.1 101")) fail(`the server refused: ${head}`);
      accepted = true;
      socket.write(CLOSE_FRAME);
    });
    socket.on("close", () => {
      done++;
      open();
    });
  };
  for (let index = 0; index < load.connections; index++) open();
  return await count(load, () => done);
}
