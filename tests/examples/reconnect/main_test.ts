// The client that stays connected, and a server that goes and comes again.

import assert from "node:assert/strict";
import { serve } from "../../../mod.ts";
import { runtimeNames } from "../../support/runtimes.ts";
import { startExample } from "../start.ts";

for (const runtime of runtimeNames) {
  Deno.test(`the client comes back to a server that was away, on ${runtime}`, async () => {
    const options = { message: (conn: { send(data: string): void }) => conn.send("welcome") };
    const first = await serve({ ...options, port: 0 });
    await using client = startExample(runtime, "reconnect/main.ts", { args: [first.url] });
    await client.printed(/^welcome$/m);
    await first.shutdown();
    await client.printed(/^Closed: 1001/m);
    await using second = await serve({ ...options, port: first.port });
    await client.printed(/^Closed: 1001[^]*^Connected to .*\nwelcome$/m);
    assert.equal(second.connections, 1);
    assert.equal((await client.interrupt()).code, 0);
  });
}
