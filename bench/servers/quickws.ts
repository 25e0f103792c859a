// Our server, on whichever runtime it is started.

import process from "node:process";
import { serve, type ServeOptions } from "../../mod.ts";
import { settings } from "./settings.ts";

const { broadcast, compression, denoSockets, sharedPort } = settings;

const takeover = compression === "takeover";
const options: ServeOptions = {
  port: sharedPort ?? 0,
  reusePort: sharedPort !== undefined,
  denoSockets,
  compression: compression !== undefined && {
    serverContextTakeover: takeover,
    clientContextTakeover: takeover,
    threshold: 0,
  },
};

const server = await serve(
  broadcast
    ? { ...options, message: (_, data) => void server.broadcast(data) }
    : { ...options, message: (conn, data) => void conn.send(data) },
);
process.stdout.write(`${server.port}\n`);
