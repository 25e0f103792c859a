// The quickws server on the current runtime. Prints a port for each compression mode in its
// arguments.

import process from "node:process";
import { type Message, serve, type ServeOptions } from "../../../mod.ts";
import { commandOf, type CompressionMode, FRAGMENTS } from "../conversation.ts";
import { COMPRESSION_OPTIONS } from "./quickws.ts";

async function* each(pieces: readonly string[]): AsyncGenerator<string, void> {
  yield* pieces;
}

/** Splits a message into three fragments, of which the second is large. */
async function* inFragments(data: Message): AsyncGenerator<Message, void> {
  const [first, last] = [data.length >> 3, data.length - (data.length >> 4)];
  yield data.slice(0, first);
  yield data.slice(first, last);
  yield data.slice(last);
}

/** Every third echo is sent in fragments. */
const FRAGMENTED = 3;

async function start(compression: ServeOptions<undefined>["compression"]): Promise<void> {
  let echoes = 0;
  const server = await serve({
    compression,
    async message(conn, data, opcode) {
      const command = commandOf(data);
      if (command === "fragments") await conn.sendStream(each(FRAGMENTS));
      else if (command === "close") conn.close(4001, "as you wish");
      else if (++echoes % FRAGMENTED > 0) conn.send(data);
      else await conn.sendStream(inFragments(data), opcode);
    },
  });
  // deno-lint-ignore no-console
  console.log(server.port);
}

for (const mode of process.argv.slice(2)) await start(COMPRESSION_OPTIONS[mode as CompressionMode]);
