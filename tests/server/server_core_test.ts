// Tests errors that belong to no connection, and the memory retained after all connections have
// closed.

import assert from "node:assert/strict";
import { connectOver } from "../../src/client/connect.ts";
import { serveOver } from "../../src/server/serve.ts";
import { timers } from "../../src/shared/timer_wheel.ts";
import { ConsoleWatch } from "../support/console.ts";
import { assertFreesMemory } from "../support/heap.ts";
import { MemoryNetwork } from "../support/memory_network.ts";
import { RawPeer } from "../support/raw_peer.ts";
import { nextMacrotask, socketTest } from "../support/socket_harness.ts";
import { CLOSE } from "../support/vectors.ts";

const cause = new Error("accept: too many open files");

socketTest("reports an error of the listener to onError and continues", async (t) => {
  const errors: unknown[] = [];
  const server = await t.serve({ onError: (error) => void errors.push(error) });
  t.network.failAccept(server.port, cause);
  assert.deepEqual(errors, [cause]);
  assert.equal((await t.connect(server.url)).readyState, "open");
});

socketTest("without onError, writes an error of the listener to the console", async (t) => {
  const server = await t.serve();
  const watch = new ConsoleWatch();
  t.network.failAccept(server.port, cause);
  watch.end();
  assert.deepEqual(watch.logged, [[cause]]);
});

/** How `onError` itself can fail. */
const FAILING: Record<string, (error: unknown) => void> = {
  throws: (error) => {
    throw error;
  },
  rejects: (error) => Promise.reject(error),
};

for (const [how, fail] of Object.entries(FAILING)) {
  socketTest(
    `writes the error of an onError that ${how} to the console, with no other effect`,
    async (t) => {
      const failure = new Error("in onError");
      const watch = new ConsoleWatch();
      try {
        const { conn, peer, server } = await t.accept({
          close: () => {
            throw cause;
          },
          onError: () => fail(failure),
        });
        peer.send({ opcode: CLOSE });
        peer.transport.end();
        await conn.closed;
        await nextMacrotask();
        assert.equal(server.connections, 0);
        assert.equal((await t.connect(server.url)).readyState, "open");
      } finally {
        watch.end();
      }
      assert.deepEqual(watch.logged, [[failure]]);
    },
  );
}

socketTest("reports a listener that fails to close, and shutdown resolves", async (t) => {
  const errors: unknown[] = [];
  const listen = t.network.listen.bind(t.network);
  t.network.listen = async (options, sink) => ({
    ...await listen(options, sink),
    close: () => Promise.reject(cause),
  });
  const server = await t.serve({ onError: (error) => void errors.push(error) });
  await server.shutdown();
  assert.deepEqual(errors, [cause]);
});

Deno.test("a server retains no memory for closed connections, rejections and responses", async () => {
  const network = new MemoryNetwork();
  const server = await serveOver(network, {
    upgrade: ({ url }) => url.endsWith("/no") ? { status: 404 } : undefined,
    fetch: () => new Response("page"),
    pingInterval: 1000,
    message: (conn, data) => void conn.send(data),
  });
  await assertFreesMemory(200, 300, async () => {
    const conn = await connectOver(network, server.url, { readTimeout: 1000 });
    conn.send("hello");
    await conn[Symbol.asyncIterator]().next();
    conn.close();
    await conn.closed;
    await assert.rejects(connectOver(network, `${server.url}no`, {}));
    const client = new RawPeer(network.open(server.port));
    client.send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    await client.until(() => client.ended);
    client.transport.end();
    await client.until(() => client.isClosed);
    network.accepted.length = network.dialed.length = 0;
  });
  assert.equal(server.connections, 0);
  await server.shutdown();
  assert.equal(timers.size, 0);
});
