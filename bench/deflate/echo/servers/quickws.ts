// A server with this library, on any runtime: quickws.ts <mode>

import process from "node:process";
import { serve } from "../../../../mod.ts";

const mode = process.argv[2];
const takeover = mode === "takeover";

const server = await serve({
  port: 0,
  compression: mode !== "off" && {
    serverContextTakeover: takeover,
    clientContextTakeover: takeover,
    threshold: 0,
  },
  message(conn, data) {
    conn.send(data);
  },
});
process.stdout.write(`${server.port}\n`);
