// A client that connects through the proxy in the environment variables, like curl.
//
//   ALL_PROXY=socks5h://user:password@127.0.0.1:1080 deno run -A examples/proxy.ts wss://host/path
//   HTTPS_PROXY=http://127.0.0.1:3128 bun examples/proxy.ts wss://host/path
//   NO_PROXY=localhost,.internal node examples/proxy.ts ws://127.0.0.1:8080/
//
// HTTP_PROXY applies to ws:// and HTTPS_PROXY to wss://, ALL_PROXY to both. The client sends a
// line, prints the reply, and closes.

import process from "node:process";
import { connect, HandshakeError, WebSocketError } from "@quickws/quickws";

/** Reads an environment variable. Also accepts the common lowercase names. */
function variable(name: string): string | undefined {
  return process.env[name] || process.env[name.toLowerCase()] || undefined;
}

/** Returns the proxy for a URL, or `undefined` if there is none. */
function proxyFor(url: URL): string | undefined {
  const direct = (variable("NO_PROXY") ?? "").split(",").map((name) => name.trim());
  for (const name of direct) {
    if (name === "*" || url.hostname === name) return undefined;
    if (name !== "" && url.hostname.endsWith(name.startsWith(".") ? name : `.${name}`)) {
      return undefined;
    }
  }
  const own = variable(url.protocol === "wss:" ? "HTTPS_PROXY" : "HTTP_PROXY");
  return own ?? variable("ALL_PROXY");
}

const url = process.argv[2] ?? "ws://127.0.0.1:8080/";

try {
  const conn = await connect(url, { proxy: proxyFor });
  conn.send("hello through the proxy");
  for await (const data of conn) {
    console.log(`${url} answers: ${data}`);
    conn.close();
  }
} catch (error) {
  if (!(error instanceof WebSocketError)) throw error;
  // PROXY_REFUSED and PROXY_FAILED come from the proxy, other codes from the server.
  console.error(`${error.code}: ${error.message}`);
  if (error instanceof HandshakeError && error.body) console.error(error.body);
  process.exitCode = 1;
}
