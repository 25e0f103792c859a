// Runs a framework with WebSockets on the same port, in a separate process. Its argument selects
// the framework. Prints its port.

import { Elysia } from "elysia";
import { Hono } from "hono";
import process from "node:process";
import type { BunServer } from "../../src/native/bun.ts";

/** The part of Bun's API that is used here. */
interface BunApi {
  serve(options: object): BunServer & { port: number };
}

/** An application that answers requests. */
interface App {
  fetch(request: Request): Response | Promise<Response>;
}

/** Streams bytes in parts, each in a separate turn of the event loop. */
function parts(count: number): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    pull(controller): void {
      if (sent++ === count) controller.close();
      else controller.enqueue(new TextEncoder().encode(`part ${sent}\n`));
    },
  });
}

function hono(): App {
  const app = new Hono();
  app.get("/", (context) => context.text("home"));
  app.post("/echo", async (context) => context.text(await context.req.text()));
  app.get("/stream", () => new Response(parts(20)));
  return app;
}

function elysia(): App {
  return new Elysia()
    .get("/", () => "home")
    .post("/echo", async ({ request }) => new Response(await request.text()), { parse: "none" })
    .get("/stream", () => new Response(parts(20)));
}

const app = process.argv[2] === "elysia" ? elysia() : hono();
const options = { path: "/ws", message: echo };

function echo(conn: { send(data: string): unknown }, data: unknown): void {
  conn.send(data as string);
}

if ("Bun" in globalThis) {
  const { createSockets } = await import("../../src/bun.ts");
  const sockets = createSockets(options);
  const server = (globalThis as unknown as { Bun: BunApi }).Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    websocket: sockets.websocket,
    fetch: (request: Request, server: BunServer) =>
      sockets.handle(request, server) ?? app.fetch(request),
  });
  console.log(`port ${server.port}`);
} else {
  const { createSockets } = await import("../../src/deno.ts");
  const sockets = createSockets(options);
  Deno.serve(
    {
      hostname: "127.0.0.1",
      port: 0,
      onListen: ({ port }) => console.log(`port ${port}`),
    },
    (request, info) => sockets.handle(request, info) ?? app.fetch(request),
  );
}
