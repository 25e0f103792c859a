// A server with a heartbeat, in a process that a test suspends or blocks. Commands and replies are
// lines of JSON.

import { type CloseInfo, type Connection, serve } from "../../mod.ts";
import { block } from "../support/block.ts";
import { executeCommands } from "./commands.ts";

/** The commands for the server. */
export type StallCommand =
  /** Starts the server. Replies with its port. */
  | "listen"
  /**
   * Waits for this number of open connections and this number of further pongs, or until a
   * connection ends unexpectedly.
   */
  | { readonly open: number; readonly pongs: number }
  /** Closes this number of connections and blocks the event loop for the given milliseconds. */
  | { readonly close: number; readonly block: number }
  /** Waits until the closed connections have ended. Replies with a {@linkcode StallReport}. */
  | "ended"
  /** Shuts down. */
  | "quit";

/** The server's reply to `"ended"`. */
export interface StallReport {
  /** The number of open connections. */
  readonly open: number;
  /** The number of ended connections, by kind of end. */
  readonly ends: Readonly<Record<string, number>>;
}

const open = new Set<Connection>();
const ends: Record<string, number> = {};
let pongs = 0;
let closed = 0;
let closing = 0;
let changed = (): void => {};

function describe({ code, clean, error }: CloseInfo): string {
  return clean ? `clean ${code}` : String(error);
}

const server = await serve({
  port: 0,
  backlog: 4096,
  pingInterval: 500,
  pongTimeout: 1500,
  closeTimeout: 1500,
  message: (conn, data) => conn.send(data),
  open: (conn) => {
    open.add(conn);
    changed();
  },
  pong: () => {
    pongs++;
    changed();
  },
  close: (conn, info) => {
    open.delete(conn);
    ends[describe(info)] = (ends[describe(info)] ?? 0) + 1;
    closed++;
    changed();
  },
});

async function until(isMet: () => boolean): Promise<void> {
  while (!isMet()) await new Promise<void>((resolve) => changed = resolve);
}

async function execute(command: unknown): Promise<unknown> {
  const request = command as StallCommand;
  if (request === "listen") return server.port;
  if (request === "quit") return await server.shutdown({ timeout: 5000 });
  if (request === "ended") {
    await until(() => closed >= closing);
    return { open: open.size, ends } satisfies StallReport;
  }
  if ("block" in request) return await stall(request.close, request.block);
  const before = pongs;
  return await until(() =>
    (open.size >= request.open && pongs - before >= request.pongs) || closed > closing
  );
}

async function stall(count: number, milliseconds: number): Promise<void> {
  closing += count;
  for (const conn of [...open].slice(0, count)) conn.close(4000, "before the stall");
  // Write the Close frames first, so that the peers answer them during the stall.
  await new Promise((resolve) => setTimeout(resolve));
  block(milliseconds);
}

executeCommands(execute);
