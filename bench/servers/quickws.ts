// Our server, on whichever runtime it is started.

import process from "node:process";
import type { serve as Serve, ServeOptions } from "../../mod.ts";
import { settings } from "./settings.ts";

const { broadcast, compression, network, sharedPort } = settings;

async function load(): Promise<typeof Serve> {
  switch (network) {
    case "deno":
      return (await import("../../src/deno.ts")).serve;
    case "node":
      return (await import("../../src/node.ts")).serve;
    case undefined:
      return (await import("../../mod.ts")).serve;
  }
}

const takeover = compression === "takeover";
const options: ServeOptions = {
  port: sharedPort ?? 0,
  reusePort: sharedPort !== undefined,
  compression: compression !== undefined && {
    serverContextTakeover: takeover,
    clientContextTakeover: takeover,
    threshold: 0,
  },
};

const serve = await load();
const server = await serve(
  broadcast
    ? { ...options, message: (_, data) => void server.broadcast(data) }
    : { ...options, message: (conn, data) => void conn.send(data) },
);
process.stdout.write(`${server.port}\n`);
