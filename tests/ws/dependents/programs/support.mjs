// Shared by the programs.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer } from "node:http";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/** Asserts that a package gets quickws when it requires `ws`. */
export function assertQuickws(dependent) {
  const from = createRequire(require.resolve(dependent));
  const manifest = from("ws/package.json");
  assert.equal(manifest.name, "@quickws/ws", `${dependent} has a different ws`);
  // For "ws", Bun loads its built-in module even if a package is installed.
  const quickws = from(join(dirname(from.resolve("ws/package.json")), "index.js"));
  assert.equal(from("ws"), quickws, `${dependent} loads a different ws`);
}

/** Starts an HTTP server on a free port. */
export async function listen(handler) {
  const server = createServer(handler);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, port: server.address().port };
}

/** Waits for the next event and returns its values. */
export function next(emitter, event) {
  return new Promise((resolve, reject) => {
    emitter.once(event, (...values) => resolve(values));
    if (event !== "error") emitter.once("error", reject);
  });
}

/** Reports success and exits. */
export function done() {
  console.log("ok");
  process.exit(0);
}
