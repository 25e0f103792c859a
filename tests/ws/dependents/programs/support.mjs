// Shared parts of the programs.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer } from "node:http";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/** Fails unless a package gets quickws when it requires `ws`. */
export function assertQuickws(dependent) {
  const from = createRequire(require.resolve(dependent));
  const manifest = from("ws/package.json");
  assert.equal(manifest.name, "@quickws/ws", `${dependent} has another ws`);
  // Bun loads its built-in module under that name, even if a package is installed.
  const quickws = from(join(dirname(from.resolve("ws/package.json")), "index.js"));
  assert.equal(from("ws"), quickws, `${dependent} loads another ws`);
}

/** An HTTP server on a free port. */
export async function listen(handler) {
  const server = createServer(handler);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, port: server.address().port };
}

/** The values of the next event. */
export function next(emitter, event) {
  return new Promise((resolve, reject) => {
    emitter.once(event, (...values) => resolve(values));
    if (event !== "error") emitter.once("error", reject);
  });
}

/** Ends the program successfully. */
export function done() {
  console.log("ok");
  process.exit(0);
}
