// Our server, which holds the conversation with clients that echo: server_conversing.ts <mode> <agreed>.
// Prints its port, then what it found.

import process from "node:process";
import { type Connection, serve } from "../../../mod.ts";
import { type CompressionMode, converse, Received } from "../conversation.ts";
import { asInteropClient, COMPRESSION_OPTIONS } from "./quickws.ts";

/** What a connection has received. */
interface Inbox {
  readonly messages: Received;
  readonly pongs: Received;
}

const [mode, agreed] = process.argv.slice(2) as [CompressionMode, string];
const opened: Connection<Inbox>[] = [];
let wake = (): void => {};

const server = await serve<Inbox>({
  compression: COMPRESSION_OPTIONS[mode],
  upgrade: () => ({ data: { messages: new Received(), pongs: new Received() } }),
  open(conn) {
    opened.push(conn);
    wake();
  },
  message: (conn, data) => conn.data.messages.push(data),
  pong: (conn, payload) => conn.data.pongs.push(payload),
});
// deno-lint-ignore no-console
console.log(server.port);

await converse(async () => {
  if (opened.length === 0) await new Promise<void>((resolve) => wake = resolve);
  const conn = opened.shift()!;
  return asInteropClient(conn as unknown as Connection, conn.data.messages, conn.data.pongs);
}, { mode, agreed });
await server.shutdown();
