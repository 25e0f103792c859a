// A client that reconnects automatically, with the option `reconnect`. The delays have jitter and
// grow up to a limit. The client gives up after permanent failures, and honors 1012 (restart), 1013
// (overloaded) and `Retry-After`.
//
//   deno run -A examples/reconnect/main.ts ws://127.0.0.1:8080/
//   bun examples/reconnect/main.ts ws://127.0.0.1:8080/
//   node examples/reconnect/main.ts ws://127.0.0.1:8080/
//
// Start examples/echo.ts or examples/ticker.ts, stop it, and start it again. Ctrl-C stops the
// client.

import process from "node:process";
import { connect } from "@quickws/quickws";

const url = process.argv[2] ?? "ws://127.0.0.1:8080/";
const ended = new AbortController();
process.once("SIGINT", () => ended.abort());

try {
  const conn = await connect(url, {
    // Limits the delay to five seconds for this demonstration.
    reconnect: { maxDelay: 5000, signal: ended.signal },
    open(conn) {
      console.log(`Connected to ${url}`);
      // The server loses the state of a connection when it ends, so restore it here.
      conn.send("hello again");
    },
    reconnecting(_, { info, error, attempt, wait }) {
      const why = info === undefined ? error?.message : `${info.code} ${info.reason}`.trim();
      console.log(`Disconnected: ${why}; attempt ${attempt + 1} in ${wait} ms`);
    },
  });
  // Iterates over the messages of all connections, as if they were one.
  for await (const data of conn) console.log(String(data));
  const { code, reason } = await conn.closed;
  console.log(`Closed permanently: ${code} ${reason}`);
} catch (error) {
  if (!ended.signal.aborted) {
    console.error(`Gave up: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}
