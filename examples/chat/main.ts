// A chat room with its page. Whoever has the page open is in the room; what one says, all are told.
//
//   deno run -A examples/chat/main.ts      then open http://127.0.0.1:8080/ in two tabs
//   bun examples/chat/main.ts
//   node examples/chat/main.ts
//
// PORT in the environment chooses another port.

import { readFile } from "node:fs/promises";
import process from "node:process";
import { CloseCode, serve } from "@quickws/quickws";

/** What is kept with each connection. */
interface Guest {
  readonly name: string;
}

/** The page runs its own script and nothing that somebody smuggles into it. */
const POLICY = "default-src 'self'; img-src data:";

const file = (name: string): Promise<string> => readFile(new URL(name, import.meta.url), "utf8");

const files = new Map([
  ["/", { type: "text/html; charset=utf-8", body: await file("page.html") }],
  ["/page.css", { type: "text/css; charset=utf-8", body: await file("page.css") }],
  ["/page.js", { type: "text/javascript; charset=utf-8", body: await file("page.js") }],
]);

const server = await serve<Guest>({
  port: Number(process.env.PORT ?? 8080),
  // A chat needs no more, and who does not read, or does not answer pings, is shown out.
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

  open(conn) {
    tellAll({ notice: `${conn.data.name} came in`, people: server.connections });
  },

  message(conn, data) {
    if (typeof data !== "string") return conn.close(CloseCode.UnsupportedData, "text only");
    // Whose words they are is for the server to say, not for the page that sent them.
    tellAll({ name: conn.data.name, text: data });
  },

  close(conn) {
    tellAll({ notice: `${conn.data.name} left`, people: server.connections });
  },

  fetch(request) {
    const found = files.get(new URL(request.url).pathname);
    if (found === undefined) return new Response("Not found\n", { status: 404 });
    return new Response(found.body, {
      headers: { "content-type": found.type, "content-security-policy": POLICY },
    });
  },
});

function tellAll(message: Record<string, string | number>): void {
  server.broadcast(JSON.stringify(message));
}

console.log(`Chat on http://${server.hostname}:${server.port}/ (${server.url})`);
