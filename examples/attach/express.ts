// WebSockets on the HTTP server of an Express application: one port for both.
//
//   node examples/attach/express.ts        (or `deno run -A`, or `bun`)
//
// The environment variable PORT sets the port.

import { createServer } from "node:http";
import process from "node:process";
import { attach } from "@quickws/quickws/node";
import express from "express";

const app = express();
app.get("/", (_, response) => {
  response.type("text").send(`${sockets.connections} WebSockets are open on /echo\n`);
});

const httpServer = createServer(app);
const sockets = attach(httpServer, {
  upgrade({ url }) {
    if (new URL(url).pathname === "/echo") return;
    return { status: 404, body: "WebSockets are on /echo\n" };
  },
  message: (conn, data) => conn.send(data),
});

httpServer.listen(Number(process.env.PORT ?? 8080), "127.0.0.1", () => {
  const address = httpServer.address();
  const port = typeof address === "object" ? address?.port : undefined;
  console.log(`Express on http://127.0.0.1:${port}/ and ws://127.0.0.1:${port}/echo`);
});

// Closes the WebSockets with 1001 first, then the server.
process.once("SIGINT", async () => {
  await sockets.shutdown();
  httpServer.close();
});
