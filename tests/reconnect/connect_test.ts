// Tests which options a reconnecting connection passes on, and which it rejects.

import assert from "node:assert/strict";
import { MAX_LINE, TOPICS_SUBPROTOCOL } from "../../src/pubsub/protocol.ts";
import { type ReconnectingConnectOptions, reconnectingRules } from "../../src/reconnect/connect.ts";

Deno.test("pings are enabled by default, and can be configured or disabled", () => {
  const { pingInterval, pongTimeout } = reconnectingRules({ reconnect: true }).connect;
  assert.deepEqual([pingInterval, pongTimeout], [20_000, 10_000]);
  const own = reconnectingRules({ reconnect: true, pingInterval: 8, pongTimeout: 7 }).connect;
  assert.deepEqual([own.pingInterval, own.pongTimeout], [8, 7]);
  const none = reconnectingRules({ reconnect: true, pingInterval: 0 }).connect;
  assert.deepEqual([none.pingInterval, none.pongTimeout], [0, 0]);
});

Deno.test("passes the options on to each connection, except those of reconnection", () => {
  const rules = reconnectingRules<{ a: number }>({
    reconnect: true,
    data: { a: 1 },
    signal: new AbortController().signal,
    origin: "http://a.example",
    text: "bytes",
    open() {},
    message() {},
    topicMessage() {},
    reconnecting() {},
    ping() {},
    pong() {},
    drain() {},
    close() {},
  });
  assert.deepEqual(rules.connect, {
    origin: "http://a.example",
    text: "bytes",
    pingInterval: 20_000,
    pongTimeout: 10_000,
  });
});

Deno.test("topics add a subprotocol, and the header line does not count toward maxMessageSize", () => {
  const { subprotocols, maxMessageSize } =
    reconnectingRules({ reconnect: { topics: true } }).connect;
  assert.deepEqual([subprotocols, maxMessageSize], [[TOPICS_SUBPROTOCOL], (16 << 20) + MAX_LINE]);
  const most = { reconnect: { topics: true }, maxMessageSize: 0x7fffffff };
  assert.equal(reconnectingRules(most).connect.maxMessageSize, 0x7fffffff);
});

const WRONG: readonly [options: unknown, message: RegExp][] = [
  [{ reconnect: 1 }, /"reconnect" must be a boolean or an object, got 1/],
  [{ reconnect: "yes" }, /"reconnect" .* got "yes"/],
  [{ reconnect: null }, /"reconnect" .* got null/],
  [{ reconnect: { maxQueue: "x" } }, /"reconnect\.maxQueue"/],
  [{ reconnect: true, reconnecting: 1 }, /"reconnecting" must be a function, got 1/],
  [{ reconnect: true, topicMessage: 1 }, /"topicMessage" must be a function, got 1/],
  [{ reconnect: true, message: 1 }, /"message" must be a function, got 1/],
  [{ reconnect: true, origin: 1 }, /"origin"/],
  [{ reconnect: true, signal: 1 }, /"signal"/],
  [{ reconnect: true, unknown: 1 }, /"unknown"/],
  [{ reconnect: { topics: true }, subprotocols: ["a"] }, /"subprotocols" .* "reconnect\.topics"/],
];

for (const [options, message] of WRONG) {
  Deno.test(`rejects ${JSON.stringify(options)}`, () => {
    assert.throws(
      () => reconnectingRules(options as ReconnectingConnectOptions),
      (error: Error) => {
        assert.ok(error instanceof TypeError || error instanceof RangeError);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}
