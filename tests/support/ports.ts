// Ports that a test binds later, or twice. The system never assigns these automatically, so no
// connection of another test can take one of them meanwhile, unlike ports bound to 0.

import { createServer } from "node:net";

/** Linux assigns ports from 32,768 on, other systems from 49,152. Those below belong to the brokers. */
const FIRST_PORT = 19_000;
const PORT_COUNT = 13_000;

/** Returns a port of 127.0.0.1 without a listener; on any runtime. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORT_COUNT);
    if (await canBind(port)) return port;
  }
}

function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
