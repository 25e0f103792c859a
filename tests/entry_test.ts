// Tests that the option `reconnect` selects whether `connect` returns a plain or a reconnecting
// connection.

import assert from "node:assert/strict";
import { connectOn } from "../src/entry.ts";
import { Connection } from "../src/connection/connection.ts";
import { ReconnectingConnection } from "../src/reconnect/connection.ts";
import { socketTest } from "./support/socket_harness.ts";

socketTest("reconnect selects the kind of connection", async (t) => {
  const server = await t.serve();
  const single = await connectOn(t.network)(server.url, {});
  const alsoSingle = await connectOn(t.network)(server.url, { reconnect: false });
  const reconnecting = await connectOn(t.network)(server.url, { reconnect: true });
  const alsoReconnecting = await connectOn(t.network)(server.url, { reconnect: {} });
  assert.ok(single instanceof Connection && alsoSingle instanceof Connection);
  assert.ok(
    reconnecting instanceof ReconnectingConnection &&
      alsoReconnecting instanceof ReconnectingConnection,
  );
  for (const conn of [single, alsoSingle, reconnecting, alsoReconnecting]) {
    conn.terminate();
    await conn.closed;
  }
});

socketTest("rejects invalid arguments without dialing", async (t) => {
  for (
    const [url, options, message] of [
      ["no url", { reconnect: true }, /URL/],
      ["ws://a.example/#x", { reconnect: true }, /fragment/],
      ["ws://a.example/", { reconnect: 7 }, /"reconnect"/],
      ["ws://a.example/", { reconnect: { maxAttempts: 0 } }, /"reconnect\.maxAttempts"/],
      ["ws://a.example/", { reconnect: true, handshakeTimeout: -1 }, /"handshakeTimeout"/],
      ["ws://a.example/", { reconnecting() {} }, /"reconnecting"/],
      ["ws://a.example/", null, /must be an object/],
    ] as const
  ) {
    await assert.rejects(connectOn(t.network)(url, options as never), (error: Error) => {
      assert.ok(error instanceof TypeError || error instanceof RangeError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
  assert.deepEqual(t.network.dialed, []);
});

socketTest(
  "sends the URL's credentials on each connection and does not expose them",
  async (t) => {
    const seen: unknown[] = [];
    const server = await t.serve({
      upgrade: ({ headers }) => void seen.push(headers.get("authorization")),
      message: (conn) => conn.terminate(),
    });
    const conn = await connectOn(t.network)(server.url.replace("//", "//ada:love@"), {
      reconnect: { minDelay: 1 },
      message() {},
    });
    assert.equal(conn.url, server.url);
    conn.send("die");
    while (seen.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    const basic = `Basic ${btoa("ada:love")}`;
    assert.deepEqual(seen, [basic, basic]);
    conn.terminate();
    await conn.closed;
  },
);
