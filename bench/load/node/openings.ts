// Loads without messages: idle connections, and connections that are repeatedly opened and closed.

import type { Load, LoadResult } from "../load.ts";
import { after, count, residentBytes } from "./process.ts";
import { dial, dialAll, fail, requestHead } from "./sockets.ts";

/** The delay before the server's memory is read, in milliseconds. */
const SETTLE = 2000;

/** A Close frame with code 1000, masked with a zero key. */
const CLOSE_FRAME = Uint8Array.of(0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8);

/** Opens idle connections. */
export async function idle(load: Load): Promise<Partial<LoadResult>> {
  const memoryBefore = residentBytes(load.pids);
  await dialAll(load);
  await after(SETTLE);
  return { memoryBefore, memory: residentBytes(load.pids), messages: 0, lost: 0 };
}

/**
 * Keeps a number of opening handshakes in progress. Each connection is closed with a Close frame
 * once it is open, so the server sees no error.
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
      if (!head.startsWith("HTTP/1.1 101")) fail(`the server rejected the handshake: ${head}`);
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
