// Hono and Elysia with WebSockets on the same port, on Bun.serve and Deno.serve, with concurrent
// HTTP and WebSocket traffic.

import assert from "node:assert/strict";
import { join } from "node:path";
import { connect } from "../../mod.ts";
import { Example } from "../project/example_process.ts";
import { root } from "../project/source_files.ts";
import { runtimeCommand } from "../support/runtimes.ts";

const CONNECTIONS = 20;
const MESSAGES = 50;
const CLIENTS = 8;
const ROUNDS = 25;

/** Sends messages in sequence and compares the echoes. */
async function echoes(url: string, id: number): Promise<void> {
  await using conn = await connect(url);
  const messages = conn[Symbol.asyncIterator]();
  for (let i = 0; i < MESSAGES; i++) {
    conn.send(`${id}: message ${i}`);
    assert.equal((await messages.next()).value, `${id}: message ${i}`);
  }
}

/** Sends requests of each kind in sequence. */
async function requests(url: string, id: number): Promise<void> {
  const textOf = async (path: string, init?: RequestInit): Promise<string> => {
    const response = await fetch(`${url}${path}`, init);
    assert.equal(response.status, 200, path);
    return await response.text();
  };
  const stream = Array.from({ length: 20 }, (_, i) => `part ${i + 1}\n`).join("");
  for (let i = 0; i < ROUNDS; i++) {
    assert.equal(await textOf("/"), "home");
    const body = `${id}.${i} `.repeat(5000);
    assert.equal(await textOf("/echo", { method: "POST", body }), body);
    assert.equal(await textOf("/stream"), stream);
  }
}

for (const runtime of ["deno", "bun"] as const) {
  for (const framework of ["hono", "elysia"]) {
    Deno.test(`${framework} and WebSockets share a port on ${runtime}`, async () => {
      const script = join(root, "tests", "native", "framework_server.ts");
      const { command, args } = runtimeCommand(runtime, script, framework);
      await using server = new Example([command, ...args], root, {});
      const host = `127.0.0.1:${(await server.printed(/port \d+/)).slice(5)}`;
      await Promise.all([
        ...Array.from({ length: CONNECTIONS }, (_, id) => echoes(`ws://${host}/ws`, id)),
        ...Array.from({ length: CLIENTS }, (_, id) => requests(`http://${host}`, id)),
      ]);
      const other = await fetch(`http://${host}/ws`);
      assert.equal(other.status, 404, "the application handles the path without an upgrade");
      await other.body?.cancel();
      await assert.rejects(connect(`ws://${host}/`), { code: "STATUS_UNEXPECTED" });
    });
  }
}
