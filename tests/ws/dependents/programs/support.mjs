// What the programs have in common.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer } from "node:http";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/** Fails unless a package gets ours where it asks for `ws`. */
export function assertOurs(dependent) {
  const from = createRequire(require.resolve(dependent));
  const manifest = from("ws/package.json");
  assert.equal(manifest.name, "@quickws/ws", `${dependent} has another ws`);
  // Bun loads a module of its own under that name, whatever is installed.
  const ours = from(join(dirname(from.resolve("ws/package.json")), "index.js"));
  assert.equal(from("ws"), ours, `${dependent} loads another ws`);
}

/** An HTTP server on a port of the system's choice. */
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

/** Ends the program: it did what it was to do. */
export function done() {
  console.log("ok");
  process.exit(0);
}
