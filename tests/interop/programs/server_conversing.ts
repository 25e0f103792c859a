// A quickws server that runs the conversation with clients that only echo: server_conversing.ts
// <name> <agreed>. Prints a port for each compression mode, then the results.

import process from "node:process";
import { type Connection, serve, type Server } from "../../../mod.ts";
import {
  COMPRESSION_MODES,
  type ExpectedExtensions,
  Received,
  runConversation,
} from "../conversation.ts";
import { asInteropClient, COMPRESSION_OPTIONS } from "./quickws.ts";

/** The received messages of a connection. */
interface ReceivedMessages {
  readonly messages: Received;
  readonly pongs: Received;
}

/** The accepted connections. */
class Opened {
  readonly #connections: Connection<ReceivedMessages>[] = [];
  #wake = (): void => {};

  push(connection: Connection<ReceivedMessages>): void {
    this.#connections.push(connection);
    this.#wake();
  }

  async next(): Promise<Connection<ReceivedMessages>> {
    if (this.#connections.length === 0) await new Promise<void>((wake) => this.#wake = wake);
    return this.#connections.shift()!;
  }
}

const [name, argument] = process.argv.slice(2) as [string, string];
const agreed: ExpectedExtensions = JSON.parse(argument);
const modes = COMPRESSION_MODES.filter((mode) => agreed[mode] !== undefined);
const opened = new Map(modes.map((mode) => [mode, new Opened()]));
const servers: Server<ReceivedMessages>[] = [];

for (const mode of modes) {
  const server = await serve<ReceivedMessages>({
    compression: COMPRESSION_OPTIONS[mode],
    upgrade: () => ({ data: { messages: new Received(), pongs: new Received() } }),
    open: (conn) => opened.get(mode)!.push(conn),
    message: (conn, data) => conn.data.messages.push(data),
    pong: (conn, payload) => conn.data.pongs.push(payload),
  });
  servers.push(server);
  // deno-lint-ignore no-console
  console.log(server.port);
}

for (const mode of modes) {
  await runConversation(async () => {
    const conn = await opened.get(mode)!.next();
    return asInteropClient(conn as unknown as Connection, conn.data.messages, conn.data.pongs);
  }, { server: name, mode, agreed: agreed[mode]! });
}
for (const server of servers) await server.shutdown();
