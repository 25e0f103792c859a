// The server of the soak test. It checks and echoes each message.

import { serve, type ServeOptions, type Server, type UpgradeDataOption } from "../../mod.ts";
import { serveNatively } from "../support/native_server.ts";
import { Ledger } from "./ledger.ts";
import { measureResources } from "./measure.ts";
import { CLOSE_REQUEST, isSame, messageOf } from "./messages.ts";
import { executeCommands } from "./commands.ts";

/** The server's sockets: those of the library, or of Bun.serve and Deno.serve. */
export type SocketsKind = "own" | "native";

/** The server's address. */
export interface ListenCommand {
  readonly type: "listen";
  readonly sockets: SocketsKind;
  readonly pingInterval: number;
  readonly pongTimeout: number;
}

/** The commands for the server. */
export type ServerCommand =
  | ListenCommand
  | "emptied"
  | "resources"
  | "report"
  | "counts"
  | "quit";

const ledger = new Ledger();
let server: Server<number> | undefined;
let onClose = (): void => {};

const handlers: ServeOptions<number> & UpgradeDataOption<number> = {
  port: 0,
  upgrade: ({ url }) => ({ data: Number(new URL(url).searchParams.get("id")) }),
  open: ({ data: id }) => ledger.open(id),
  message(conn, data) {
    if (data === CLOSE_REQUEST) return conn.close(4000, CLOSE_REQUEST);
    const expected = messageOf(conn.data, ledger.counts[conn.data]);
    if (!isSame(data, expected)) ledger.addViolation(`connection ${conn.data}: wrong message`);
    ledger.message(conn.data);
    conn.send(data);
  },
  close({ data: id }, { code, clean, error }) {
    ledger.close(id, clean ? `clean ${code}` : (error as { code?: string }).code ?? "?", clean);
    onClose();
  },
  onError: (error) => ledger.addViolation(`onError: ${error}`),
};

async function listen(command: ListenCommand): Promise<number> {
  const options = optionsFor(command);
  server = command.sockets === "own" ? await serve(options) : await serveNatively(options);
  return server.port;
}

/**
 * Returns the options that the sockets support. Bun negotiates compression parameters itself. Deno
 * has no compression, and its pong timeout is `pingInterval`. Neither can stop reading, so the soak
 * test never pauses a connection.
 */
function optionsFor(
  { sockets, pingInterval, pongTimeout }: ListenCommand,
): ServeOptions<number> & UpgradeDataOption<number> {
  const takeover = { serverContextTakeover: true, clientContextTakeover: true };
  if (sockets === "own") {
    return { ...handlers, backlog: 4096, compression: takeover, pingInterval, pongTimeout };
  }
  if ("Bun" in globalThis) return { ...handlers, compression: true, pingInterval, pongTimeout };
  return { ...handlers, pingInterval };
}

/** Waits until all clients have disconnected. */
async function emptied(): Promise<void> {
  while (ledger.opened > ledger.closed) await new Promise<void>((resolve) => onClose = resolve);
}

async function execute(command: unknown): Promise<unknown> {
  const request = command as ServerCommand;
  switch (request) {
    case "emptied":
      return await emptied();
    case "resources":
      return await measureResources();
    case "report":
      return { ...ledger.report(), connections: server?.connections };
    case "counts":
      return ledger.perConnection();
    case "quit":
      return await server?.shutdown({ timeout: 1000 });
    default:
      return await listen(request);
  }
}

executeCommands(execute);
