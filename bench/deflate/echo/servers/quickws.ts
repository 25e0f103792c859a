// Our server with compression, on whichever runtime it is started: quickws.ts <takeover>

import process from "node:process";
import { serve } from "../../../../mod.ts";

const takeover = process.argv[2] === "true";

const server = await serve({
  port: 0,
  compression: { serverContextTakeover: takeover, clientContextTakeover: takeover, threshold: 0 },
  message(conn, data) {
    conn.send(data);
  },
});
process.stdout.write(`${server.port}\n`);
