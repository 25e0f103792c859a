// Tests starting a server with `serve`.

import assert from "node:assert/strict";
import { ConnectionError } from "../../src/errors.ts";
import { serveOver } from "../../src/server/serve.ts";
import type { ServeOptions } from "../../src/server/serve_options.ts";
import { watchedSignal } from "../support/listeners.ts";
import { MemoryNetwork } from "../support/memory_network.ts";
import { nextMacrotask, socketTest } from "../support/socket_harness.ts";

socketTest("serve listens on the given address", async (t) => {
  const tls = { cert: "c", key: "k" };
  await t.serve({
    hostname: "::1",
    port: 8080,
    reusePort: true,
    backlog: 10,
    tls,
    noDelay: false,
    readBufferSize: 1024,
    denoSockets: "Deno.listen",
  });
  assert.deepEqual(t.network.listened, [{
    hostname: "::1",
    port: 8080,
    unix: undefined,
    reusePort: true,
    backlog: 10,
    tls,
    noDelay: false,
    readBufferSize: 1024,
    denoSockets: "Deno.listen",
  }]);
});

socketTest("without options, serve listens on a free port of the loopback address", async (t) => {
  await t.serve();
  const [{ hostname, port, noDelay, tls }] = t.network.listened;
  assert.deepEqual([hostname, port, noDelay, tls], ["127.0.0.1", 0, true, undefined]);
});

socketTest(
  "rejects if the port is in use, with the address and the network's error",
  async (t) => {
    const { port } = await t.serve();
    await assert.rejects(t.serve({ port }), (error: ConnectionError) => {
      assert.ok(error instanceof ConnectionError);
      assert.equal(error.code, "LISTEN_FAILED");
      assert.equal(error.message, `Cannot listen on 127.0.0.1:${port}: address in use`);
      assert.equal((error.cause as Error).message, "address in use");
      return true;
    });
  },
);

Deno.test("rejects an invalid option before listening", async () => {
  const network = new MemoryNetwork();
  await assert.rejects(serveOver(network, { port: -1 }), RangeError);
  await assert.rejects(serveOver(network, { prot: 1 } as ServeOptions), TypeError);
  await assert.rejects(serveOver(network, null as unknown as ServeOptions), TypeError);
  assert.deepEqual(network.listened, []);
});

Deno.test("rejects with the reason of an aborted signal", async () => {
  const network = new MemoryNetwork();
  const reason = new Error("changed my mind");
  await assert.rejects(
    serveOver(network, { signal: AbortSignal.abort(reason) }),
    (error) => error === reason,
  );
  assert.deepEqual(network.listened, []);
});

socketTest(
  "a signal that aborts while the socket is being bound shuts the server down",
  async (t) => {
    const controller = new AbortController();
    const listen = t.network.listen.bind(t.network);
    t.network.listen = (...args) => {
      controller.abort();
      return listen(...args);
    };
    const server = await t.serve({ signal: controller.signal });
    await server.finished;
    assert.equal(t.network.isListening(server.port), false);
  },
);

socketTest("a signal shuts the server down when it aborts", async (t) => {
  const controller = new AbortController();
  const { server, near } = await t.pair({ signal: controller.signal });
  controller.abort();
  assert.equal((await near.closed).code, 1001);
  await server.finished;
  assert.equal(server.connections, 0);
});

socketTest("after shutdown, the signal has no listeners left", async (t) => {
  const { signal, listeners } = watchedSignal();
  const server = await t.serve({ signal });
  assert.equal(listeners.size, 1);
  await server.shutdown();
  await nextMacrotask();
  assert.equal(listeners.size, 0);
});
