// A quickws server that runs conversations with clients that only echo: server_conversing.ts
// <conversations>. Prints a port for each conversation, then the results.

import process from "node:process";
import { type Connection, serve, type Server } from "../../../mod.ts";
import { type Conversation, Received, runConversations } from "../conversation.ts";
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

function keyOf({ peer, mode }: Conversation): string {
  return `${peer}, ${mode}`;
}

const argument = process.argv[2]!;
const opened = new Map<string, Opened>();
const servers: Server<ReceivedMessages>[] = [];

for (const conversation of JSON.parse(argument) as Conversation[]) {
  const connections = new Opened();
  opened.set(keyOf(conversation), connections);
  const server = await serve<ReceivedMessages>({
    compression: COMPRESSION_OPTIONS[conversation.mode],
    upgrade: () => ({ data: { messages: new Received(), pongs: new Received() } }),
    open: (conn) => connections.push(conn),
    message: (conn, data) => conn.data.messages.push(data),
    pong: (conn, payload) => conn.data.pongs.push(payload),
  });
  servers.push(server);
  // deno-lint-ignore no-console
  console.log(server.port);
}

await runConversations(argument, async (conversation) => {
  const conn = await opened.get(keyOf(conversation))!.next();
  return asInteropClient(conn as unknown as Connection, conn.data.messages, conn.data.pongs);
});
for (const server of servers) await server.shutdown();
