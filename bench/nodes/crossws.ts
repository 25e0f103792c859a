// A peer on Node: crossws with its Redis sync, on Node's HTTP server.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { defineHooks } from "crossws";
import nodeAdapter from "crossws/adapters/node";
import { redis } from "crossws/sync";
import { createClient } from "redis";
import { settings } from "./settings.ts";

const client = createClient({ url: settings.url });
await client.connect();

const server = nodeAdapter({
  sync: redis({ client, channel: "all" }),
  hooks: defineHooks({
    open: (peer) => peer.subscribe("all"),
    message: (_, message) => server.publish("all", message.text()),
  }),
});
const http = createServer();
http.on("upgrade", server.handleUpgrade);
http.listen(0, "127.0.0.1", () => console.log((http.address() as AddressInfo).port));
