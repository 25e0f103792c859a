// The servers of the soak test, one for each kind of sockets. They check and echo each message.

import { serve, type ServeOptions, type Server, type UpgradeDataOption } from "../../mod.ts";
import { serveNatively } from "../support/native_server.ts";
import { Ledger } from "./ledger.ts";
import { measureResources } from "./measure.ts";
import { CLOSE_REQUEST, isSame, messageOf } from "./messages.ts";
import { executeCommands } from "./commands.ts";

/** The server's sockets: those of the library, or of Bun.serve and Deno.serve. */
export type SocketsKind = "own" | "native";

/** The servers to start. Replies with their ports. */
export interface ListenCommand {
  readonly type: "listen";
  readonly kinds: readonly SocketsKind[];
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
const servers: Server<number>[] = [];
let onClose = (): void => {};

type Options = ServeOptions<number> & UpgradeDataOption<number>;

const handlersOf = (kind: SocketsKind): Options => ({
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
    const ending = clean ? `clean ${code}` : (error as { code?: string }).code ?? "?";
    ledger.close(id, `${kind}: ${ending}`, clean);
    onClose();
  },
  onError: (error) => ledger.addViolation(`onError: ${error}`),
});

async function listen(command: ListenCommand): Promise<number[]> {
  for (const kind of command.kinds) {
    const options = optionsFor(command, kind);
    servers.push(kind === "own" ? await serve(options) : await serveNatively(options));
  }
  return servers.map(({ port }) => port);
}

/**
 * Returns the options that the sockets support. Bun negotiates compression parameters itself. Deno
 * has no compression, and its pong timeout is `pingInterval`. Neither can stop reading, so the soak
 * test never pauses a connection.
 */
function optionsFor({ pingInterval, pongTimeout }: ListenCommand, kind: SocketsKind): Options {
  const handlers = handlersOf(kind);
  const takeover = { serverContextTakeover: true, clientContextTakeover: true };
  if (kind === "own") {
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
      return {
        ...ledger.report(),
        connections: servers.reduce((sum, { connections }) => sum + connections, 0),
      };
    case "counts":
      return ledger.perConnection();
    case "quit":
      await Promise.all(servers.map((server) => server.shutdown({ timeout: 1000 })));
      return null;
    default:
      return await listen(request);
  }
}

executeCommands(execute);
