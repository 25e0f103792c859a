// Chooses ports that a test binds later, or twice. They are outside the system's ephemeral range,
// so no connection of another test can take one in the meantime.

import { createServer } from "node:net";

/**
 * Ephemeral ports start at 32,768 on Linux, at 49,152 elsewhere. Lower ports are for the brokers.
 */
const FIRST_PORT = 19_000;
const PORT_COUNT = 13_000;

/** Returns a port of 127.0.0.1 without a listener. Works on any runtime. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORT_COUNT);
    if (await canBind(port)) return port;
  }
}

/** Returns whether a port of 127.0.0.1 has no listener. */
export function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
