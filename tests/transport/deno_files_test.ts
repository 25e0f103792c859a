// Tests that a Deno server without free file descriptors calls `onError`, and accepts connections
// again once there are free descriptors.

import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { linesOf, within } from "../support/child.ts";
import { RawSocket } from "../support/raw_socket.ts";

const FILES = 100;

/** The retry delay of a client in milliseconds. */
const TIMEOUT = 1000;

const PROGRAM = `
// Loads these modules in advance: Deno panics if it loads one lazily without a free descriptor.
import process from "node:process";
import "node:tls";
process.on("SIGUSR2", () => {});
import { serve } from "${new URL("../../mod.ts", import.meta.url)}";
const server = await serve({ onError: (error) => console.log("error " + error.message) });
console.log(server.port);
`;

Deno.test("a server that runs out of file descriptors calls onError and accepts connections again later", async () => {
  const module = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(module, PROGRAM);
  const command = `ulimit -n ${FILES} && exec "$0" run --allow-all --no-check --no-lock "$1"`;
  const child = new Deno.Command("sh", {
    args: ["-c", command, Deno.execPath(), module],
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = linesOf(child.stdout);
  const sockets: Socket[] = [];
  try {
    const port = Number((await lines.next()).value);
    for (let i = 0; i < 2 * FILES; i++) {
      sockets.push(connect(port, "127.0.0.1").on("error", () => {}));
    }
    assert.match((await lines.next()).value!, /^error .*too many open files/i);
    for (const socket of sockets) socket.destroy();
    // A connection that was opened without a free descriptor may never get a response.
    for (let accepted = false; !accepted;) {
      const client = await RawSocket.open({ port });
      sockets.push(client.socket);
      accepted = (await within(TIMEOUT, client.upgrade()))?.status === 101;
    }
  } finally {
    for (const socket of sockets) socket.destroy();
    child.kill("SIGKILL");
    await child.status;
    while (!(await lines.next()).done) { /* the pipe has to be empty to close */ }
    await Deno.remove(module);
  }
});
