// WebSockets on the HTTP server of a Hono application on Node: one port for both.
//
//   node examples/attach/hono.ts           (or `deno run -A`, or `bun`)
//
// The environment variable PORT sets the port.

import process from "node:process";
import { serve } from "@hono/node-server";
import { attach } from "@quickws/quickws/node";
import { Hono } from "hono";

const app = new Hono();
app.get("/", (context) => context.text(`${sockets.connections} WebSockets are open on /echo\n`));

const port = Number(process.env.PORT ?? 8080);
const httpServer = serve({ fetch: app.fetch, hostname: "127.0.0.1", port }, ({ port }) => {
  console.log(`Hono on http://127.0.0.1:${port}/ and ws://127.0.0.1:${port}/echo`);
});
const sockets = attach(httpServer, {
  upgrade({ url }) {
    if (new URL(url).pathname === "/echo") return;
    return { status: 404, body: "WebSockets are on /echo\n" };
  },
  message: (conn, data) => conn.send(data),
});

// Closes the WebSockets with 1001 first, then the server.
process.once("SIGINT", async () => {
  await sockets.shutdown();
  httpServer.close();
});
