// Runs the quickws server. Prints its ports without and with compression.

import process from "node:process";
import { serve } from "../../../mod.ts";

const takeover = { serverContextTakeover: true, clientContextTakeover: true };

for (const compression of [false, takeover]) {
  const server = await serve({
    port: 0,
    compression,
    // Case 9.3.1 sends 65,536 fragments. The default limit is 16,384.
    maxFragments: 100_000,
    message(conn, data) {
      conn.send(data);
    },
  });
  process.stdout.write(`${server.port}\n`);
}
