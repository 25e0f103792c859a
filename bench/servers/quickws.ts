// A server with this library, on any runtime.

import process from "node:process";
import { type Handlers, serve, type ServeOptions, type Server } from "../../mod.ts";
import { settings } from "./settings.ts";

const { broadcast, compression, denoSockets, sharedPort, burst } = settings;

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

function handlers(): Handlers<undefined> {
  if (!broadcast) return { message: (conn, data) => void conn.send(data) };
  if (burst === undefined) return { message: (_, data) => void server.broadcast(data) };
  return {
    open: (conn) => void conn.subscribe("all"),
    message(_, data) {
      for (let count = 0; count < burst; count++) server.publish("all", data);
    },
  };
}

const server: Server = await serve({ ...options, ...handlers() });
process.stdout.write(`${server.port}\n`);
