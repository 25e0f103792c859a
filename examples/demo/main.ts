// An echo server with a page to try it in a browser: `deno task demo`, or `bun examples/demo/main.ts`.
// PORT in the environment chooses the port (0: any), Ctrl-C stops it.

import { readFile } from "node:fs/promises";
import process from "node:process";
import { serve, type Server } from "@quickws/quickws";
import { Tally } from "./tally.ts";

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
    fail(`PORT is "${text}", and should be a port number from 0 to 65535.`);
  }
  return port;
}

/** Whether another program listens on the port; each runtime says so in its own way. */
function isAddressInUse(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: string };
    if (code === "EADDRINUSE" || cause.name === "AddrInUse") return true;
  }
  return false;
}

async function page(name: string, type: string): Promise<[body: string, init: ResponseInit]> {
  const body = await readFile(new URL(name, import.meta.url), "utf8");
  return [body, {
    headers: { "content-type": `${type}; charset=utf-8`, "cache-control": "no-store" },
  }];
}

const pages = new Map([
  ["/", await page("page.html", "text/html")],
  ["/page.css", await page("page.css", "text/css")],
  ["/page.js", await page("page.js", "text/javascript")],
]);
const port = chosenPort();
const tally = new Tally();

const server: Server = await serve({
  port,
  open() {
    tally.opened++;
  },
  message(conn, data) {
    tally.messages++;
    tally.bytes += typeof data === "string" ? data.length : data.byteLength;
    // A page that sends faster than it reads has to wait.
    if (!conn.send(data)) conn.pause();
  },
  drain(conn) {
    conn.resume();
  },
  close() {
    tally.closed++;
  },
  fetch(request) {
    const found = pages.get(new URL(request.url).pathname);
    return found ? new Response(...found) : new Response("Not found\n", { status: 404 });
  },
}).catch((error: unknown) => {
  if (isAddressInUse(error)) {
    fail(`Port ${port} is taken by another program. Choose another one: PORT=${port % 65535 + 1}`);
  }
  return fail(`Cannot listen on port ${port}: ${error instanceof Error ? error.message : error}`);
});

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
  console.log(`\nStopping, with ${server.connections} connections open.`);
  await server.shutdown({ timeout: SHUTDOWN_TIMEOUT });
  console.log(`Stopped after ${tally.messages} messages.`);
  process.exit(0);
}

let stopping: Promise<void> | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  // A terminal and the program that started this one may both pass the signal on: once is enough.
  process.on(signal, () => stopping ??= stop());
}
