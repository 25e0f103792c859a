// Tests the upgrade hook, which decides on every request, synchronously or asynchronously.

import assert from "node:assert/strict";
import { HandshakeError } from "../../src/errors.ts";
import type { Handlers } from "../../src/connection/handlers.ts";
import type { UpgradeDecision, UpgradeRequest } from "../../src/server/upgrade_hook.ts";
import type { Server } from "../../src/server/serve.ts";
import { nextMacrotask, socketTest } from "../support/socket_harness.ts";
import { upgradeRequest } from "../support/raw_peer.ts";
import { TEXT } from "../support/vectors.ts";

type Decision = UpgradeDecision<unknown> | void;

/** A synchronous and an asynchronous hook. */
const WAYS: readonly [
  how: string,
  hook: (decide: () => Decision) => () => Decision | Promise<Decision>,
][] = [
  ["synchronously", (decide) => decide],
  ["asynchronously", (decide) => async () => {
    await nextMacrotask();
    return decide();
  }],
];

socketTest("the hook receives the request", async (t) => {
  const seen: UpgradeRequest[] = [];
  const request = upgradeRequest(
    ["Cookie: a=b", "Sec-WebSocket-Protocol: v1, v2", "Sec-WebSocket-Protocol: v3"],
    "/chat?room=1",
  );
  const client = await t.ask({ upgrade: (request) => void seen.push(request) }, request);
  await client.answer();
  const [{ method, url, headers, remoteAddress, subprotocols }] = seen;
  assert.equal(method, "GET");
  assert.equal(url, "ws://a.example/chat?room=1");
  assert.equal(headers.get("COOKIE"), "a=b");
  assert.equal(headers.has("Authorization"), false);
  assert.equal(new Headers([...headers]).get("cookie"), "a=b");
  assert.equal(remoteAddress, "memory");
  assert.deepEqual(subprotocols, ["v1", "v2", "v3"]);
});

for (const [how, hook] of WAYS) {
  socketTest(`a hook that ${how} returns undefined accepts the client`, async (t) => {
    const client = await t.ask({ upgrade: hook(() => {}) });
    assert.equal((await client.answer()).status, 101);
  });

  socketTest(`a hook can ${how} reject with a status, headers and a body`, async (t) => {
    const opened: unknown[] = [];
    const client = await t.ask({
      open: (conn) => void opened.push(conn),
      upgrade: hook(() => ({
        status: 401,
        headers: { "WWW-Authenticate": "Bearer", "Content-Type": "application/json" },
        body: '{"error":"no token"}',
      })),
    });
    const { status, headers } = await client.answer();
    assert.equal(status, 401);
    assert.equal(headers.get("www-authenticate"), "Bearer");
    assert.equal(headers.get("content-type"), "application/json");
    assert.equal(headers.get("content-length"), "20");
    await client.until(() => client.ended);
    assert.equal(client.text, '{"error":"no token"}');
    assert.deepEqual(opened, []);
  });

  socketTest(
    `a hook can ${how} accept with a subprotocol, headers, data and handlers`,
    async (t) => {
      const log: unknown[] = [];
      const handlers: Handlers<unknown> = {
        open: ({ data, protocol }) => void log.push(data, protocol),
        message: (_, message) => void log.push(message),
      };
      const client = await t.ask<unknown>(
        {
          subprotocols: ["v1"],
          message: () => void log.push("not this one"),
          upgrade: hook(() => ({
            subprotocol: "v2",
            headers: [["Set-Cookie", "a=b"], ["Set-Cookie", "c=d"]],
            data: { user: "ada" },
            handlers,
          })),
        },
        upgradeRequest(["Sec-WebSocket-Protocol: v1, v2"]),
      );
      const answer = await client.answer();
      assert.equal(answer.status, 101);
      assert.equal(answer.headers.get("sec-websocket-protocol"), "v2");
      assert.match(answer.head, /\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n/);
      client.send({ opcode: TEXT, payload: "hi" });
      await nextMacrotask();
      assert.deepEqual(log, [{ user: "ada" }, "v2", "hi"]);
    },
  );

  socketTest(
    `if a hook throws ${how}, the client gets 500 and the error is reported`,
    async (t) => {
      const error = new Error("secret");
      const errors: unknown[] = [];
      const server = await t.serve({
        onError: (error) => void errors.push(error),
        upgrade: hook(() => {
          throw error;
        }),
      });
      const client = t.rawClient(server);
      client.send(upgradeRequest());
      assert.equal((await client.answer()).status, 500);
      assert.doesNotMatch(client.text, /secret/);
      assert.deepEqual(errors, [error]);
      await client.until(() => client.ended);
      client.transport.end();
      await client.until(() => client.isClosed);
    },
  );

  socketTest(
    `a HandshakeError of another connection thrown ${how} does not determine the response`,
    async (t) => {
      // The hook may connect to another server, which rejects it.
      const errors: unknown[] = [];
      const headers = new Headers({ "Set-Cookie": "secret=1" });
      const error = new HandshakeError("STATUS_UNEXPECTED", "The other server said no", {
        status: 302,
        headers,
      });
      const client = await t.ask({
        onError: (error) => void errors.push(error),
        upgrade: hook(() => {
          throw error;
        }),
      });
      const answer = await client.answer();
      assert.equal(answer.status, 500);
      assert.doesNotMatch(answer.head + client.text, /secret|other server/);
      assert.deepEqual(errors, [error]);
    },
  );
}

/** Invalid return values of a hook, and the reported error. */
const WRONG: readonly [decision: unknown, message: RegExp][] = [
  [true, /The result of upgrade must be an object, got true/],
  [false, /The result of upgrade must be an object, got false/],
  [null, /The result of upgrade must be an object, got null/],
  [401, /The result of upgrade must be an object, got 401/],
  [[], /The result of upgrade must be an object, got an array/],
  [{ code: 401 }, /Unknown option "code"\. The result of upgrade can have: status, headers/],
  [{ body: "no" }, /status/],
  [{ status: 101 }, /status is 101/],
  [{ status: 600 }, /status is 600/],
  [{ status: "401" }, /status is 401/],
  [{ status: 401.5 }, /status is 401.5/],
  [{ status: 401, headers: { "X: y": "z" } }, /not a header field name/],
  [{ status: 401, headers: { X: "a\r\nSet-Cookie: b" } }, /X has U\+000D/],
  [{ status: 401, headers: { "Content-Length": "0" } }, /Content-Length/],
  [{ status: 401, headers: 7 }, /headers|got 7/],
  [{ status: 204, body: "x" }, /204/],
  [{ headers: { X: "a\nb" } }, /X has U\+000A/],
  [{ headers: { "Sec-WebSocket-Accept": "x" } }, /Sec-WebSocket-Accept/],
  [{ headers: { "Sec-WebSocket-Protocol": "v1" } }, /subprotocol/],
  [{ subprotocol: "v3" }, /"v3", which the client did not request/],
  [{ subprotocol: "v1\r\nX: y" }, /token/],
  [{ subprotocol: 7 }, /token/],
  [{ handlers: { onmessage: () => {} } }, /"handlers\.onmessage".*"handlers\.message"/],
  [{ handlers: { message: 7 } }, /"message" must be a function, got 7/],
  [{ handlers: null }, /"handlers" must be an object, got null/],
];

for (const [decision, message] of WRONG) {
  const shown = JSON.stringify(decision);
  socketTest(`answers 500 and reports an error if a hook returns ${shown}`, async (t) => {
    const errors: Error[] = [];
    const opened: unknown[] = [];
    const server = await t.serve<unknown>({
      open: (conn) => void opened.push(conn),
      onError: (error) => void errors.push(error as Error),
      upgrade: () => decision as UpgradeDecision<unknown>,
    });
    const client = t.rawClient(server);
    client.send(upgradeRequest(["Sec-WebSocket-Protocol: v1, v2"]));
    assert.equal((await client.answer()).status, 500);
    assert.equal(errors.length, 1);
    assert.match(errors[0].message, message);
    assert.deepEqual(opened, []);
  });
}

socketTest("limits read-ahead while a hook is pending, and loses no data", async (t) => {
  const decide = Promise.withResolvers<void>();
  const received: unknown[] = [];
  const client = await t.ask({
    upgrade: () => decide.promise,
    message: (_, data) => void received.push(data),
  });
  await nextMacrotask();
  client.send({ opcode: TEXT, payload: "one" });
  await nextMacrotask();
  assert.equal(
    client.transport.peer.paused,
    false,
    "the server still reads, to detect a disconnect",
  );
  client.send({ opcode: TEXT, payload: "x".repeat(65_536) });
  await nextMacrotask();
  assert.equal(client.transport.peer.paused, true, "the server applies backpressure");
  client.send({ opcode: TEXT, payload: "two" });
  await nextMacrotask();
  assert.deepEqual(received, []);
  decide.resolve();
  assert.equal((await client.answer()).status, 101);
  await nextMacrotask();
  assert.deepEqual(received, ["one", "x".repeat(65_536), "two"]);
});

socketTest(
  "answers 503 when a hook times out, and ignores its later decision",
  async (t) => {
    const decide = Promise.withResolvers<void>();
    const opened: unknown[] = [];
    const client = await t.ask({
      handshakeTimeout: 20,
      upgrade: () => decide.promise,
      open: (conn) => void opened.push(conn),
    });
    assert.equal((await client.answer()).status, 503);
    assert.match(client.text, /did not decide in time/);
    decide.resolve();
    await nextMacrotask();
    assert.deepEqual(opened, []);
  },
);

socketTest(
  "buffers input and the end of the stream while the hook is pending",
  async (t) => {
    const decide = Promise.withResolvers<void>();
    const log: unknown[] = [];
    const server = await t.serve({
      upgrade: () => decide.promise,
      open: () => void log.push("open"),
      message: (_, data) => void log.push(data),
      close: (_, { code }) => void log.push(code),
    });
    const client = t.rawClient(server);
    client.transport.peer.readsAhead = true;
    client.send(upgradeRequest(), { opcode: TEXT, payload: "one" });
    client.send({ opcode: TEXT, payload: "two" });
    client.transport.end();
    await nextMacrotask();
    assert.deepEqual(log, []);
    decide.resolve();
    await client.until(() => client.isClosed);
    assert.deepEqual(log, ["open", "one", "two", 1006]);
  },
);

socketTest("releases a client that disconnects before the hook decides", async (t) => {
  const decide = Promise.withResolvers<Decision>();
  const opened: unknown[] = [];
  const server = await t.serve<unknown>({
    upgrade: () => decide.promise,
    open: (conn) => void opened.push(conn),
  });
  const client = t.rawClient(server);
  client.send(upgradeRequest());
  await nextMacrotask();
  client.transport.destroy();
  await nextMacrotask();
  decide.resolve({ data: 1 });
  await nextMacrotask();
  assert.deepEqual(opened, []);
  await server.shutdown();
});

socketTest("the error of a hook is reported even if the client has disconnected", async (t) => {
  const decide = Promise.withResolvers<Decision>();
  const errors: unknown[] = [];
  const client = await t.ask<unknown>({
    upgrade: () => decide.promise,
    onError: (error) => void errors.push(error),
  });
  await nextMacrotask();
  client.transport.destroy();
  await nextMacrotask();
  decide.reject("late");
  await nextMacrotask();
  assert.deepEqual(errors, ["late"]);
});

socketTest(
  "accepts and closes a client that ended its stream while the hook was pending",
  async (t) => {
    const decide = Promise.withResolvers<void>();
    const log: unknown[] = [];
    const client = await t.ask({
      upgrade: () => decide.promise,
      open: () => void log.push("open"),
      message: (_, data) => void log.push(data),
      close: (_, { code }) => void log.push(code),
    });
    client.send({ opcode: TEXT, payload: "last words" });
    client.transport.end();
    await nextMacrotask();
    decide.resolve();
    await client.until(() => client.isClosed);
    assert.deepEqual(log, ["open", "last words", 1006]);
  },
);

for (const [how, hook] of WAYS) {
  socketTest(
    `a hook that decides ${how} may shut down the server: the client gets 503`,
    async (t) => {
      const opened: unknown[] = [];
      const server: Server<unknown> = await t.serve<unknown>({
        open: (conn) => void opened.push(conn),
        upgrade: hook(() => void server.shutdown()),
      });
      const client = t.rawClient(server);
      client.send(upgradeRequest());
      assert.equal((await client.answer()).status, 503);
      client.transport.end();
      await server.finished;
      assert.deepEqual(opened, []);
    },
  );

  socketTest(`releases a client that was rejected ${how} as soon as it disconnects`, async (t) => {
    const server = await t.serve<unknown>({ upgrade: hook(() => ({ status: 401 })) });
    const client = t.rawClient(server);
    client.send(upgradeRequest());
    await client.answer();
    client.transport.end();
    await nextMacrotask();
    assert.equal(client.transport.peer.isClosed, true);
  });
}

for (const [what, settle] of [["fails", "reject"], ["times out", undefined]] as const) {
  socketTest(`immediately releases a client that disconnects when the hook ${what}`, async (t) => {
    const decide = Promise.withResolvers<void>();
    const client = await t.ask({
      handshakeTimeout: 20,
      upgrade: () => decide.promise,
      onError: () => {},
    });
    await nextMacrotask();
    if (settle !== undefined) decide.reject(new Error("no"));
    await client.answer();
    client.transport.end();
    await nextMacrotask();
    assert.equal(
      client.transport.peer.isClosed,
      true,
      "the server continues to read after its response",
    );
    decide.resolve();
  });
}
