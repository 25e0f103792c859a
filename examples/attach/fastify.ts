// WebSockets on the HTTP server of a Fastify application: one port for both.
//
//   node examples/attach/fastify.ts        (or `deno run -A`, or `bun`)
//
// The environment variable PORT sets the port.

import process from "node:process";
import { attach } from "@quickws/quickws/node";
import fastify from "fastify";

const app = fastify();
app.get("/", () => `${sockets.connections} WebSockets are open on /echo\n`);

const sockets = attach(app.server, {
  upgrade({ url }) {
    if (new URL(url).pathname === "/echo") return;
    return { status: 404, body: "WebSockets are on /echo\n" };
  },
  message: (conn, data) => conn.send(data),
});
// Closes the WebSockets with 1001 before Fastify closes its server.
app.addHook("preClose", () => sockets.shutdown());

const url = await app.listen({ port: Number(process.env.PORT ?? 8080), host: "127.0.0.1" });
console.log(`Fastify on ${url}/ and ${url.replace("http", "ws")}/echo`);
process.once("SIGINT", () => app.close());
