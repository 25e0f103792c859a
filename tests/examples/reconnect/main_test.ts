// The reconnecting client with a server that stops and restarts.

import assert from "node:assert/strict";
import { serve } from "../../../mod.ts";
import { freePort } from "../../support/ports.ts";
import { runtimeNames } from "../../support/runtimes.ts";
import { startExample } from "../start.ts";

for (const runtime of runtimeNames) {
  Deno.test(`the client reconnects to a server that restarts on ${runtime}`, async () => {
    const options = { message: (conn: { send(data: string): void }) => conn.send("welcome") };
    const first = await serve({ ...options, port: await freePort() });
    await using client = startExample(runtime, "reconnect/main.ts", { args: [first.url] });
    await client.printed(/^welcome$/m);
    await first.shutdown();
    await client.printed(/^Disconnected: 1001; attempt 2 in \d+ ms$/m);
    // During the delay, only the pending reconnect keeps the process alive.
    await client.printed(/^Disconnected: .*; attempt 3 in \d+ ms$/m);
    await using second = await serve({ ...options, port: first.port });
    await client.printed(/^Disconnected: [^]*^Connected to .*\nwelcome$/m);
    assert.equal(second.connections, 1);
    assert.equal((await client.interrupt()).code, 0);
  });

  Deno.test(`the client stops reconnecting after a final close code on ${runtime}`, async () => {
    await using server = await serve({ port: 0, upgrade: () => ({ status: 403 }) });
    await using client = startExample(runtime, "reconnect/main.ts", { args: [server.url] });

    assert.equal((await client.process.status).code, 1);
  });
}
