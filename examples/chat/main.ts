// A chat room and its web page. Every open page joins the room and receives all messages.
//
//   deno run -A examples/chat/main.ts      then open http://127.0.0.1:8080/ in two tabs
//   bun examples/chat/main.ts
//   node examples/chat/main.ts
//
// The environment variable PORT sets another port. Two nodes can share a room through Redis (with
// the package `redis`), which also keeps messages for pages that reconnect to either node:
//
//   REDIS_URL=redis://127.0.0.1:6379 PORT=8080 deno run -A examples/chat/main.ts
//   REDIS_URL=redis://127.0.0.1:6379 PORT=8081 bun examples/chat/main.ts

import { build, stop } from "esbuild";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { CloseCode, serve, type ServeOptions } from "@quickws/quickws";

/** The data of each connection. */
interface Guest {
  readonly name: string;
}

const ROOM = "room";

/** The page runs only its own script; injected scripts are blocked. */
const POLICY = "default-src 'self'; img-src data:";

const file = (name: string): Promise<string> => readFile(new URL(name, import.meta.url), "utf8");

/** Bundles the page's script and the library's client into one file. */
async function bundle(name: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(name, import.meta.url))],
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
    alias: {
      "@quickws/quickws/browser": fileURLToPath(import.meta.resolve("@quickws/quickws/browser")),
    },
  });
  await stop();
  return outputFiles[0]!.text;
}

const files = new Map([
  ["/", { type: "text/html; charset=utf-8", body: await file("page.html") }],
  ["/page.css", { type: "text/css; charset=utf-8", body: await file("page.css") }],
  ["/page.js", { type: "text/javascript; charset=utf-8", body: await bundle("page.js") }],
]);

/** Returns the options that connect this node to others through Redis, if REDIS_URL is set. */
async function fleet(): Promise<Partial<Pick<ServeOptions<Guest>, "backplane" | "history">>> {
  const url = process.env.REDIS_URL;
  if (url === undefined) return {};
  const { createClient } = await import("redis");
  const { redisBackplane } = await import("@quickws/quickws/redis");
  return {
    backplane: redisBackplane(createClient({ url })),
    history: { maxAge: 300_000, maxMessages: 500 },
  };
}

const server = await serve<Guest>({
  ...await fleet(),
  port: Number(process.env.PORT ?? 8080),
  // Small limits are enough for a chat. Clients that do not read or answer pings are disconnected.
  maxMessageSize: 4096,
  maxBufferedAmount: 1024 * 1024,
  pingInterval: 30_000,
  pongTimeout: 10_000,

  upgrade({ url }) {
    const name = new URL(url).searchParams.get("name")?.trim();
    if (!name || name.length > 24) {
      return { status: 400, body: "A name of 1 to 24 characters is needed: /?name=Ada\n" };
    }
    return { data: { name } };
  },

  // Pages subscribe themselves, and resume after their last message when they reconnect.
  clientTopics: { allow: (_conn, topic) => topic === ROOM },

  open(conn) {
    // Subscribes clients without the topics subprotocol.
    if (conn.protocol === "") conn.subscribe(ROOM);
    broadcast({ notice: `${conn.data.name} joined` });
  },

  message(conn, data) {
    if (typeof data !== "string") return conn.close(CloseCode.UnsupportedData, "text only");
    // The server sets the author, because a page could send another user's name.
    broadcast({ name: conn.data.name, text: data });
  },

  close(conn) {
    broadcast({ notice: `${conn.data.name} left` });
  },

  fetch(request) {
    const found = files.get(new URL(request.url).pathname);
    if (found === undefined) return new Response("Not found\n", { status: 404 });
    return new Response(found.body, {
      headers: { "content-type": found.type, "content-security-policy": POLICY },
    });
  },
});

function broadcast(message: Record<string, string>): void {
  server.publish(ROOM, JSON.stringify(message));
}

process.once("SIGTERM", () => server.shutdown({ drainPeriod: 2000 }).then(() => process.exit()));

console.log(`Chat on http://${server.hostname}:${server.port}/ (${server.url})`);
