// A client that stays connected: it comes back after a while that grows, with jitter and a cap, gives up
// when there is no point, and does as the server says when it restarts (1012) or is overloaded (1013).
//
//   deno run -A examples/reconnect/main.ts ws://127.0.0.1:8080/
//   bun examples/reconnect/main.ts ws://127.0.0.1:8080/
//   node examples/reconnect/main.ts ws://127.0.0.1:8080/
//
// Start examples/echo.ts or examples/ticker.ts, stop it, start it again. Ctrl-C ends the client.
// `connections.ts` beside this file is the part to copy.

import process from "node:process";
import { WebSocketError } from "@quickws/quickws";
import { connections } from "./connections.ts";

const url = process.argv[2] ?? "ws://127.0.0.1:8080/";
const ended = new AbortController();
process.once("SIGINT", () => ended.abort());

try {
  for await (const conn of connections(url, {}, { signal: ended.signal })) {
    console.log(`Connected to ${url}`);
    // State that the server keeps for a connection is to be set up anew on each.
    conn.send("hello again");
    try {
      for await (const data of conn) console.log(String(data));
    } catch (error) {
      // The loop goes on with the next connection.
      if (!(error instanceof WebSocketError)) throw error;
    }
    const { code, reason } = await conn.closed;
    console.log(`Closed: ${code} ${reason}`);
  }
} catch (error) {
  console.error(`Gave up: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
