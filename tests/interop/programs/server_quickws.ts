// Our server, on whichever runtime this is; prints its port.

import { serve } from "../../../mod.ts";
import { commandOf, FRAGMENTS } from "../conversation.ts";

async function* fragments(): AsyncGenerator<string, void> {
  yield* FRAGMENTS;
}

const server = await serve({
  async message(conn, data) {
    const command = commandOf(data);
    if (command === "fragments") await conn.sendStream(fragments());
    else if (command === "close") conn.close(4001, "as you wish");
    else conn.send(data);
  },
});
// deno-lint-ignore no-console
console.log(server.port);
