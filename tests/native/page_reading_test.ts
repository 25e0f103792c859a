// Reading and closing connections over the global WebSocket.

import assert from "node:assert/strict";
import { connect } from "../../src/browser.ts";
import { serve } from "../../mod.ts";

for (const reconnect of [false, true] as const) {
  const name = reconnect ? "a reconnecting connection" : "a connection";

  Deno.test(`${name} over the global WebSocket has one reader at a time`, async () => {
    await using server = await serve({
      port: 0,
      open: (conn) => ["a", "b", "c"].forEach((text) => conn.send(text)),
    });
    await using conn = await connect(server.url, { reconnect: reconnect as true });
    const first = conn[Symbol.asyncIterator]();
    assert.equal((await first.next()).value, "a");
    // A reader without a pending read may be replaced. The next reader gets the queued messages.
    const second = conn[Symbol.asyncIterator]();
    await assert.rejects(first.next(), /TypeError: Only one reader at a time/);
    assert.equal((await second.next()).value, "b");
    await second.return!();
    assert.equal((await second.next()).done, true);
    for await (const data of conn) {
      assert.equal(data, "c");
      break;
    }
    const pending = conn[Symbol.asyncIterator]().next();
    assert.throws(() => conn[Symbol.asyncIterator](), /TypeError: Only one reader at a time/);
    conn.close();
    assert.equal((await pending).done, true);
  });

  Deno.test(`${name} over the global WebSocket rejects a code that pages cannot send, and stays open`, async () => {
    await using server = await serve({ port: 0, message: (conn, data) => conn.send(data) });
    await using conn = await connect(server.url, { reconnect: reconnect as true });
    assert.throws(
      () => conn.close(1001),
      /RangeError: .* must be 1000 or 3000-4999, .*, got \[1001,/,
    );
    assert.throws(() => conn.close(1000, "x".repeat(124)), RangeError);
    conn.send("still open");
    for await (const data of conn) {
      assert.equal(data, "still open");
      break;
    }
  });
}

Deno.test("a page's connection to a server without topics fails with one error that has the cause", async () => {
  const errors: unknown[] = [];
  await using server = await serve({ port: 0 });
  await assert.rejects(
    connect(server.url, {
      reconnect: { topics: true, maxAttempts: 1 },
      onError: (error) => errors.push(error),
    }),
    (error: Error) => {
      assert.match(`${error.name}: ${error.message}`, /quickws\.topics\.1/);
      return true;
    },
  );
  assert.deepEqual(errors, []);
});

Deno.test("unread messages over the global WebSocket close the connection at maxBufferedAmount", async () => {
  await using server = await serve({
    port: 0,
    open: (conn) => {
      for (let i = 0; i < 3; i++) conn.send("x".repeat(1000));
    },
  });
  const conn = await connect(server.url, { maxBufferedAmount: 2500 });
  const { error, sent } = await conn.closed;
  assert.match(String(error), /unread data of 3000 bytes exceeds maxBufferedAmount \(2500\)/);
  assert.equal(sent, 4013);
});

Deno.test("delivers a single message even if it exceeds maxBufferedAmount", async () => {
  await using server = await serve({ port: 0, open: (conn) => conn.send("x".repeat(1000)) });
  await using conn = await connect(server.url, { maxBufferedAmount: 10 });
  for await (const data of conn) {
    assert.equal(data.length, 1000);
    break;
  }
});
