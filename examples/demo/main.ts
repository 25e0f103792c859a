// An echo server with a web page to try it in a browser.
//
//   deno task demo
//   bun examples/demo/main.ts
//   node examples/demo/main.ts     Node 22.18 or later, after `deno task build`
//
// The environment variable PORT sets the port (0: any). Ctrl-C stops the server.

import process from "node:process";
import { serve, type Server } from "@quickws/quickws";
import { Pages } from "./pages.ts";
import { Playground } from "./playground.ts";
import { Tally } from "./tally.ts";
import type { Visitor } from "./visitor.ts";

const REPORT_INTERVAL = 1000;
const SHUTDOWN_TIMEOUT = 2000;

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

function chosenPort(): number {
  const text = process.env.PORT ?? "8080";
  const port = Number(text);
  if (text.trim() === "" || !Number.isInteger(port) || port < 0 || port > 65535) {
    fail(`PORT is "${text}": it must be a port number from 0 to 65535.`);
  }
  return port;
}

/** Whether another program listens on the port. Each runtime reports a different error. */
function isAddressInUse(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: string };
    if (code === "EADDRINUSE" || cause.name === "AddrInUse") return true;
  }
  return false;
}

const port = chosenPort();
const tally = new Tally();
const playground = new Playground(await Pages.read(), tally);

const server: Server<Visitor> = await serve({ ...playground.options, port }).catch(
  (error: unknown) => {
    if (isAddressInUse(error)) {
      fail(
        `Port ${port} is in use by another program. Choose another one: PORT=${port % 65535 + 1}`,
      );
    }
    return fail(
      `Cannot listen on port ${port}: ${error instanceof Error ? error.message : error}`,
    );
  },
);

// Compression is an option of the whole server, so a second server has it enabled. Its port differs
// from that of the page's origin, so only the host name must match.
const compressed: Server<Visitor> = await serve({
  ...playground.options,
  port: 0,
  compression: true,
  allowedOrigins: (origin, { url }) =>
    URL.canParse(origin) && new URL(origin).hostname === new URL(url).hostname,
});
playground.compressedPort = compressed.port;

console.log(`quickws echo server

  page       http://${server.hostname}:${server.port}/
  WebSocket  ${server.url}

Every message comes back as it was sent. Ctrl-C stops the server.
`);

const reporting = setInterval(() => {
  const line = tally.report();
  if (line !== undefined) console.log(line);
}, REPORT_INTERVAL);

async function stop(): Promise<void> {
  clearInterval(reporting);
  playground.stop();
  console.log(`\nStopping, with ${server.connections + compressed.connections} connections open.`);
  const timeout = SHUTDOWN_TIMEOUT;
  await Promise.all([server.shutdown({ timeout }), compressed.shutdown({ timeout })]);
  console.log(`Stopped after ${tally.messages} messages.`);
  process.exit(0);
}

let stopping: Promise<void> | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  // The terminal and the parent process may both send the signal, so handle it only once.
  process.on(signal, () => stopping ??= stop());
}
