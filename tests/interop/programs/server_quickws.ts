// Our server, on whichever runtime this is; prints its port, or one for each mode of compression that
// it is started with.

import process from "node:process";
import { serve, type ServeOptions } from "../../../mod.ts";
import { commandOf, type CompressionMode, FRAGMENTS } from "../conversation.ts";
import { COMPRESSION_OPTIONS } from "./quickws.ts";

async function* fragments(): AsyncGenerator<string, void> {
  yield* FRAGMENTS;
}

async function start(compression: ServeOptions<undefined>["compression"]): Promise<void> {
  const server = await serve({
    compression,
    async message(conn, data) {
      const command = commandOf(data);
      if (command === "fragments") await conn.sendStream(fragments());
      else if (command === "close") conn.close(4001, "as you wish");
      else conn.send(data);
    },
  });
  // deno-lint-ignore no-console
  console.log(server.port);
}

const modes = process.argv.slice(2) as CompressionMode[];
if (modes.length === 0) await start(false);
for (const mode of modes) await start(COMPRESSION_OPTIONS[mode]);
