// Tests the public interface of a reconnecting connection: properties, methods and errors.

import assert from "node:assert/strict";
import type { ReconnectingConnection } from "../../src/reconnect/connection.ts";
import { nextMacrotask, socketTest } from "../support/socket_harness.ts";

socketTest("exposes the properties of the current connection", async (t) => {
  const server = await t.serve({ subprotocols: ["chat"] });
  const conn = await t.connectReconnecting(server.url, {
    reconnect: true,
    subprotocols: ["chat"],
    data: { user: "ada" },
  });
  assert.equal(conn.readyState, "open");
  assert.equal(conn.url, server.url);
  assert.equal(conn.protocol, "chat");
  assert.equal(conn.extensions, "");
  assert.equal(conn.handshake?.status, 101);
  assert.deepEqual(conn.data, { user: "ada" });
  assert.equal(conn.bufferedAmount, 0);
  assert.deepEqual(conn.topics, []);
  assert.equal(conn.closed, conn.closed);
  assert.equal(conn.reconnectNow(), false, "no delay is pending");
});

socketTest("has the send methods of a connection", async (t) => {
  const got: unknown[] = [];
  const server = await t.serve({
    message: (_, data) => void got.push(data),
    ping: (_, payload) => void got.push(payload.length),
  });
  const conn = await t.connectReconnecting(server.url, { reconnect: true, message() {} });
  assert.equal(conn.send("text"), true);
  assert.equal(conn.send(Uint8Array.of(1), { compress: false }), true);
  assert.equal(conn.send(Uint8Array.of(2, 3).buffer), true);
  assert.equal(conn.ping(), true);
  assert.equal(conn.ping("abc"), true);
  await conn.drained();
  await nextMacrotask();
  assert.deepEqual(got, ["text", Uint8Array.of(1), Uint8Array.of(2, 3), 0, 3]);
});

socketTest("await using closes the connection with 1000", async (t) => {
  const codes: number[] = [];
  const server = await t.serve({ message() {}, close: (_, { code }) => void codes.push(code) });
  {
    await using conn = await t.connectReconnecting(server.url, { reconnect: true, message() {} });
    assert.equal(conn.readyState, "open");
  }
  assert.deepEqual(codes, [1000]);
});

const MISUSE: readonly [string, (conn: ReconnectingConnection) => unknown, RegExp][] = [
  ["send(7)", (conn) => conn.send(7 as never), /got 7$/],
  ["send with an unknown option", (conn) => conn.send("", { fast: 1 } as never), /"fast"/],
  ["ping of 126 bytes", (conn) => conn.ping(new Uint8Array(126)), /125 bytes, got 126$/],
  ["close(1006)", (conn) => conn.close(1006), /got 1006$/],
  ["close(1000, 7)", (conn) => conn.close(1000, 7 as never), /got 7$/],
  [
    "subscribe without topics",
    (conn) => conn.subscribe("a", { message() {} }),
    /reconnect\.topics/,
  ],
  [
    "subscribe with an empty topic",
    (conn) => conn.subscribe("", { message() {} }),
    /must not be empty/,
  ],
  ["unsubscribe without topics", (conn) => conn.unsubscribe("a"), /reconnect\.topics/],
  ["unsubscribe(7)", (conn) => conn.unsubscribe(7 as never), /got 7$/],
  ["iterating with a message handler", (conn) => conn[Symbol.asyncIterator](), /message handler/],
];

for (const [what, misuse, message] of MISUSE) {
  socketTest(`${what} throws synchronously, connected or not`, async (t) => {
    const server = await t.serve();
    const conn = await t.connectReconnecting(server.url, { reconnect: true, message() {} });
    for (let round = 0; round < 2; round++) {
      assert.throws(() => void misuse(conn as ReconnectingConnection), (error: Error) => {
        assert.ok(error instanceof TypeError || error instanceof RangeError);
        assert.match(error.message, message);
        return true;
      });
      conn.terminate();
      await conn.closed;
    }
  });
}
