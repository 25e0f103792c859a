// Errors that have no connection to go to.

import assert from "node:assert/strict";
import { ConsoleWatch } from "../support/console.ts";
import { quiet, socketTest } from "../support/socket_harness.ts";
import { CLOSE } from "../support/vectors.ts";

const cause = new Error("accept: too many open files");

socketTest("an error of the listener goes to onError, and the server goes on", async (t) => {
  const errors: unknown[] = [];
  const server = await t.serve({ onError: (error) => void errors.push(error) });
  t.network.failAccept(server.port, cause);
  assert.deepEqual(errors, [cause]);
  assert.equal((await t.connect(server.url)).readyState, "open");
});

socketTest("without onError it goes to the console", async (t) => {
  const server = await t.serve();
  const watch = new ConsoleWatch();
  t.network.failAccept(server.port, cause);
  watch.end();
  assert.deepEqual(watch.logged, [[cause]]);
});

/** What onError itself can do wrong. */
const FAILING: Record<string, (error: unknown) => void> = {
  throws: (error) => {
    throw error;
  },
  rejects: (error) => Promise.reject(error),
};

for (const [how, fail] of Object.entries(FAILING)) {
  socketTest(`an onError that ${how} is written to the console and harms nobody`, async (t) => {
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
      await quiet();
      assert.equal(server.connections, 0);
      assert.equal((await t.connect(server.url)).readyState, "open");
    } finally {
      watch.end();
    }
    assert.deepEqual(watch.logged, [[failure]]);
  });
}

socketTest("a listener that cannot be closed is reported, and the shutdown ends", async (t) => {
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
