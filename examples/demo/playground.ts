// The server of the demo: an echo, a chat room for the tabs, and measurements.

import process from "node:process";
import type {
  Connection,
  Handlers,
  ServeOptions,
  UpgradeDataOption,
  UpgradeRequest,
  UpgradeResultWithData,
} from "@quickws/quickws";
import type { Pages } from "./pages.ts";
import { Room } from "./room.ts";
import type { Tally } from "./tally.ts";
import { Visitor } from "./visitor.ts";

const PING_INTERVAL = 1000;
const REPORT_INTERVAL = 500;
const REFUSED = "This URL rejects every client, to demonstrate a rejection.";

/** Returns the runtime and its version: `Deno 2.5.0`. */
function runtime(): string {
  const { deno, bun, node } = process.versions;
  if (deno !== undefined) return `Deno ${deno}`;
  return bun !== undefined ? `Bun ${bun}` : `Node ${node}`;
}

/** The server side of the page. Any server can use it. */
export class Playground {
  readonly #pages: Pages;
  readonly #tally: Tally;
  readonly #room = new Room(() => ({ runtime: runtime(), compressedPort: this.compressedPort }));
  readonly #echoing = new Set<Connection<Visitor>>();
  readonly #timers: ReturnType<typeof setInterval>[];

  /** The port of the server with compression. */
  compressedPort = 0;

  /** @param tally The counters. */
  constructor(pages: Pages, tally: Tally) {
    this.#pages = pages;
    this.#tally = tally;
    this.#timers = [
      setInterval(() => this.#ping(), PING_INTERVAL),
      setInterval(() => this.#report(), REPORT_INTERVAL),
    ];
  }

  /** The options of the server. */
  get options(): ServeOptions<Visitor> & UpgradeDataOption<Visitor> {
    return {
      upgrade: (request) => this.#route(request),
      fetch: (request) => {
        const { pathname } = new URL(request.url);
        // A page cannot read the rejection of a WebSocket, so it can request it over plain HTTP.
        if (pathname === "/refused") return new Response(`${REFUSED}\n`, { status: 403 });
        return this.#pages.answer(pathname);
      },
    };
  }

  /** Stops measuring. */
  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  #route({ url, subprotocols }: UpgradeRequest): UpgradeResultWithData<Visitor> {
    const { pathname, searchParams } = new URL(url);
    if (pathname === "/refused") return { status: 403, body: `${REFUSED}\n` };
    const data = new Visitor(searchParams.get("tab") ?? "");
    const handlers = { "/room": this.#talk, "/goodbye": this.#goodbye }[pathname] ?? this.#echo;
    return { data, handlers, ...(subprotocols.length > 0 && { subprotocol: subprotocols[0]! }) };
  }

  readonly #echo: Handlers<Visitor> = {
    open: (conn) => {
      this.#tally.opened++;
      this.#echoing.add(conn);
    },
    message: (conn, data) => {
      this.#tally.messages++;
      this.#tally.bytes += data.length;
      // If the page sends faster than it reads, apply backpressure.
      if (!conn.send(data)) conn.pause();
    },
    drain: (conn) => conn.resume(),
    pong: (conn) => {
      const took = conn.data.ponged();
      if (took !== undefined) this.#room.tell(conn.data.tab, { type: "ping", took });
    },
    close: (conn) => {
      this.#tally.closed++;
      this.#echoing.delete(conn);
    },
  };

  readonly #talk: Handlers<Visitor> = {
    open: (conn) => this.#room.enter(conn),
    message: (conn, data) => this.#room.hear(conn, data),
    close: (conn) => this.#room.leave(conn),
  };

  readonly #goodbye: Handlers<Visitor> = {
    open: (conn) => conn.close(4001, "Goodbye"),
    message() {},
  };

  #ping(): void {
    for (const conn of this.#echoing) {
      if (conn.data.isPinged) continue;
      conn.data.pinged();
      conn.ping();
    }
  }

  #last = { messages: 0, cpu: process.cpuUsage() };

  /** Sends all tabs the CPU time per message of all threads, in microseconds. */
  #report(): void {
    const { messages, cpu } = this.#last;
    this.#last = { messages: this.#tally.messages, cpu: process.cpuUsage() };
    const count = this.#last.messages - messages;
    if (count === 0) return;
    const spent = this.#last.cpu.user - cpu.user + this.#last.cpu.system - cpu.system;
    this.#room.tellAll(JSON.stringify({ type: "server", cpu: spent / count }));
  }
}
