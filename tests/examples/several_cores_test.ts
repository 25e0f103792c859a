// One process for each core, all on one port. Node 20 cannot share a port.

import assert from "node:assert/strict";
import { startExample } from "./start.ts";

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** The first message of a new connection. */
async function greeting(port: number): Promise<string> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
  const message = await new Promise<MessageEvent>((resolve) => socket.onmessage = resolve);
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.close();
  await closed;
  return message.data;
}

for (const runtime of ["deno", "bun"] as const) {
  Deno.test(`the connections are spread over the processes, on ${runtime}`, async () => {
    const port = freePort();
    await using example = startExample(runtime, "several_cores.ts", {
      env: { PORT: String(port), CORES: "2" },
    });
    await example.printed(/(Process \d+ on ws:[^]*){2}/);
    const names = new Set<string>();
    // That one process gets all of so many has one chance in 2 ** 63.
    for (let opened = 0; opened < 64; opened++) names.add(await greeting(port));
    assert.equal(names.size, 2);
    assert.equal((await example.interrupt()).code, 0);
  });
}
