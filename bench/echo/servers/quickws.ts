// Our server, on whichever runtime it is started.

import process from "node:process";
import { serve } from "../../../mod.ts";

const server = await serve({
  port: 0,
  message(conn, data) {
    conn.send(data);
  },
});
process.stdout.write(`${server.port}\n`);
