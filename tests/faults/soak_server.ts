// The server of the load: it checks that each message is the expected one, and echoes it.

import { serve, type Server } from "../../mod.ts";
import { Ledger } from "./ledger.ts";
import { holdings } from "./measure.ts";
import { GOODBYE, isSame, messageOf } from "./messages.ts";
import { obey } from "./orders.ts";

/** The commands for the server. */
export type ServerOrder =
  | { readonly type: "listen"; readonly pingInterval: number; readonly pongTimeout: number }
  | "emptied"
  | "holdings"
  | "report"
  | "counts"
  | "quit";

const ledger = new Ledger();
let server: Server<number> | undefined;
let onClose = (): void => {};

async function listen(pingInterval: number, pongTimeout: number): Promise<number> {
  server = await serve<number>({
    port: 0,
    backlog: 4096,
    compression: { serverContextTakeover: true, clientContextTakeover: true },
    pingInterval,
    pongTimeout,
    upgrade: ({ url }) => ({ data: Number(new URL(url).searchParams.get("id")) }),
    open: ({ data: id }) => ledger.open(id),
    message(conn, data) {
      if (data === GOODBYE) return conn.close(4000, GOODBYE);
      const expected = messageOf(conn.data, ledger.counts[conn.data]);
      if (!isSame(data, expected)) ledger.complain(`connection ${conn.data}: wrong message`);
      ledger.message(conn.data);
      conn.send(data);
    },
    close({ data: id }, { code, clean, error }) {
      ledger.close(id, clean ? `clean ${code}` : (error as { code?: string }).code ?? "?", clean);
      onClose();
    },
    onError: (error) => ledger.complain(`onError: ${error}`),
  });
  return server.port;
}

/** Waits until all clients have disconnected. */
async function emptied(): Promise<void> {
  while (ledger.opened > ledger.closed) await new Promise<void>((resolve) => onClose = resolve);
}

async function carryOut(order: unknown): Promise<unknown> {
  const what = order as ServerOrder;
  switch (what) {
    case "emptied":
      return await emptied();
    case "holdings":
      return await holdings();
    case "report":
      return { ...ledger.report(), connections: server?.connections };
    case "counts":
      return ledger.books();
    case "quit":
      return await server?.shutdown({ timeout: 1000 });
    default:
      return await listen(what.pingInterval, what.pongTimeout);
  }
}

obey(carryOut);
