// Tests the server's opening handshake: accepted requests, and the responses to rejected ones.

import assert from "node:assert/strict";
import type { Server } from "../../src/server/serve.ts";
import { timers } from "../../src/shared/timer_wheel.ts";
import { bothSides, nextMacrotask, socketTest } from "../support/socket_harness.ts";
import { acceptOf, upgradeRequest } from "../support/raw_peer.ts";
import { PING, PONG, TEXT } from "../support/vectors.ts";

socketTest(
  "answers a valid request with the 101 response of RFC 6455 4.2.2, without optional fields",
  async (t) => {
    const client = await t.ask({ subprotocols: ["chat"] });
    const { head } = await client.answer();
    assert.deepEqual(head.split("\r\n"), [
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Accept: ${acceptOf("dGhlIHNhbXBsZSBub25jZQ==")}`,
      "",
      "",
    ]);
  },
);

socketTest("accepts a request byte by byte, followed by frames", async (t) => {
  const server = await t.serve({ message: (conn, data) => void conn.send(data) });
  const client = t.rawClient(server);
  const bytes = new TextEncoder().encode(upgradeRequest());
  const frame = client.encode({ opcode: TEXT, payload: "hi" });
  for (const byte of [...bytes, ...frame]) client.send(Uint8Array.of(byte));
  assert.equal((await client.answer()).status, 101);
  await client.framesOf(1);
  assert.deepEqual(client.payloads, ["hi"]);
});

/** Invalid requests, and the response to each. */
const REFUSED: readonly [what: string, request: string, status: number, message: RegExp][] = [
  ["nonsense", "hello\r\n\r\n", 400, /request line/],
  ["a POST", upgradeRequest().replace("GET", "POST"), 405, /GET/],
  ["HTTP/1.0", upgradeRequest().replace("/1.1", "/1.0"), 505, /HTTP\/1.1/],
  ["HTTP/2.0", upgradeRequest().replace("/1.1", "/2.0"), 505, /HTTP\/1.1/],
  ["no Host", upgradeRequest().replace(/Host:.*\r\n/, ""), 400, /Host/],
  ["two Hosts", upgradeRequest(["Host: b.example"]), 400, /Host/],
  ["no Upgrade", upgradeRequest().replace(/Upgrade:.*\r\n/, ""), 426, /Upgrade/],
  ["no Connection", upgradeRequest().replace(/Connection:.*\r\n/, ""), 400, /Connection/],
  ["a short key", upgradeRequest().replace("dGhlIHN", ""), 400, /Sec-WebSocket-Key/],
  ["version 8", upgradeRequest().replace("Version: 13", "Version: 8"), 426, /13/],
  ["a body", upgradeRequest(["Content-Length: 5"]), 400, /body/],
  ["a non-ASCII key", upgradeRequest(["Sec-WebSocket-Key: \u00e9"]), 400, /malformed/],
  ["a bare LF", upgradeRequest(["X: a\nY: b"]), 400, /malformed/],
  ["a bad subprotocol", upgradeRequest(["Sec-WebSocket-Protocol: a b"]), 400, /Protocol/],
];

for (const [what, request, status, message] of REFUSED) {
  socketTest(`answers a request with ${what} with ${status} and ends the stream`, async (t) => {
    const opened: unknown[] = [];
    const errors: unknown[] = [];
    const client = await t.ask({
      open: (conn) => void opened.push(conn),
      onError: (error) => void errors.push(error),
    }, request);
    const answer = await client.answer();
    assert.equal(answer.status, status);
    assert.match(answer.headers.get("connection")!, /\bclose\b/);
    assert.match(client.text, message);
    assert.equal(Number(answer.headers.get("content-length")), client.bytes.length);
    if (status === 426) assert.equal(answer.headers.get("sec-websocket-version"), "13");
    await client.until(() => client.ended);
    assert.deepEqual([opened, errors], [[], []]);
  });
}

socketTest("rejects a head over maxHandshakeSize with 431 before it is complete", async (t) => {
  const client = await t.ask({ maxHandshakeSize: 500 }, `GET / HTTP/1.1\r\nX: ${"x".repeat(600)}`);
  assert.equal((await client.answer()).status, 431);
  assert.match(client.text, /500 bytes/);
});

socketTest("answers an incomplete request with 408 after the timeout", async (t) => {
  const client = await t.ask({ handshakeTimeout: 20 }, "GET / HTTP/1.1\r\nHost: ");
  assert.equal((await client.answer()).status, 408);
  assert.match(client.text, /did not arrive in time/);
  await client.until(() => client.ended);
});

socketTest("handshakeTimeout disconnects a client that sends no request", async (t) => {
  const client = t.rawClient(await t.serve({ handshakeTimeout: 20 }));
  assert.equal((await client.answer()).status, 408);
});

socketTest("handshakeTimeout does not apply after the handshake", async (t) => {
  const server = await t.serve({ handshakeTimeout: 1000 });
  const client = t.rawClient(server);
  assert.equal(timers.size, 1);
  client.send(upgradeRequest());
  await client.answer();
  assert.equal(timers.size, 0);
});

socketTest("disconnects a rejected client that does not close the connection", async (t) => {
  const client = await t.ask({}, "nonsense\r\n\r\n");
  await client.answer();
  // The client continues to send and never ends its stream.
  client.send("more");
  await client.until(() => client.isClosed);
});

socketTest("ignores bytes after a rejected request", async (t) => {
  const opened: unknown[] = [];
  const client = await t.ask(
    { open: (conn) => void opened.push(conn) },
    upgradeRequest(["Content-Length: 5"]) + upgradeRequest(),
  );
  assert.equal((await client.answer()).status, 400);
  client.send(upgradeRequest());
  await nextMacrotask();
  assert.doesNotMatch(client.text, /101/);
  assert.deepEqual(opened, []);
});

socketTest("releases a client that disconnects during its request", async (t) => {
  const server = await t.serve({});
  const [first, second] = [t.rawClient(server), t.rawClient(server)];
  first.send("GET / HTTP/1.1\r\n");
  second.send("GET / HTTP/1.1\r\n");
  await nextMacrotask();
  first.transport.end();
  second.transport.destroy();
  await first.until(() => first.isClosed);
  await second.until(() => second.isClosed);
  await server.shutdown();
});

/** Offered and supported subprotocols, and the selected one. */
const SUBPROTOCOLS: readonly [lines: string[], supported: string[], chosen: string | null][] = [
  [[], ["chat"], null],
  [["chat"], [], null],
  [["chat"], ["other"], null],
  [["chat"], ["chat"], "chat"],
  [["v1, v2"], ["v2", "v1"], "v2"],
  [["v1", "v2"], ["v2", "v1"], "v2"],
  [["Chat"], ["chat"], null],
  [["chatter"], ["chat"], null],
];

for (const [lines, supported, chosen] of SUBPROTOCOLS) {
  socketTest(
    `a server with subprotocols "${supported.join()}" selects ${chosen} from "${lines.join()}"`,
    async (t) => {
      const opened: string[] = [];
      const client = await t.ask(
        { subprotocols: supported, open: (conn) => void opened.push(conn.protocol) },
        upgradeRequest(lines.map((line) => `Sec-WebSocket-Protocol: ${line}`)),
      );
      const answer = await client.answer();
      assert.equal(answer.status, 101);
      assert.equal(answer.headers.get("sec-websocket-protocol"), chosen);
      assert.deepEqual(opened, [chosen ?? ""]);
    },
  );
}

const ORIGINS: readonly [options: object, origin: string[], status: number][] = [
  [{}, [], 101],
  [{}, ["http://a.example"], 101],
  [{}, ["https://evil.example"], 403],
  [{}, ["null"], 403],
  [{}, ["http://a.example", "http://a.example"], 403],
  [{ allowedOrigins: "any" }, ["https://evil.example"], 101],
  [{ allowedOrigins: ["https://b.example"] }, ["https://b.example"], 101],
  [{ allowedOrigins: ["https://b.example"] }, ["http://a.example"], 403],
  [{ allowedOrigins: (origin: string) => origin === "null" }, ["null"], 101],
  [{ allowedOrigins: () => false }, ["http://a.example"], 403],
];

for (const [options, origins, status] of ORIGINS) {
  const option = JSON.stringify(options, (_, value) => typeof value === "function" ? "f" : value);
  socketTest(
    `with ${option} the server answers the origin "${origins.join()}" with ${status}`,
    async (t) => {
      const client = await t.ask(
        options,
        upgradeRequest(origins.map((value) => `Origin: ${value}`)),
      );
      assert.equal((await client.answer()).status, status);
      if (status === 403) {
        assert.match(client.text, /`allowedOrigins`/, "the body names the option");
      }
    },
  );
}

socketTest(
  "if an allowedOrigins function throws, the client gets 500 and the error is reported",
  async (t) => {
    const error = new Error("the user's own");
    const errors: unknown[] = [];
    const client = await t.ask({
      allowedOrigins: () => {
        throw error;
      },
      onError: (error) => void errors.push(error),
    }, upgradeRequest(["Origin: http://a.example"]));
    assert.equal((await client.answer()).status, 500);
    assert.doesNotMatch(client.text, /user's own/);
    assert.deepEqual(errors, [error]);
  },
);

socketTest(
  "an allowedOrigins function may shut down the server: the client gets 503",
  async (t) => {
    const opened: unknown[] = [];
    const server: Server = await t.serve({
      open: (conn) => void opened.push(conn),
      allowedOrigins: () => {
        server.shutdown();
        return true;
      },
    });
    const client = t.rawClient(server);
    client.send(upgradeRequest(["Origin: http://a.example"]));
    assert.equal((await client.answer()).status, 503);
    client.transport.end();
    await server.finished;
    assert.deepEqual(opened, []);
  },
);

socketTest("answers 503 over maxConnections until a connection closes", async (t) => {
  const server = await t.serve({ maxConnections: 2 });
  const first = await t.connect(server.url);
  await t.connect(server.url);
  await assert.rejects(t.connect(server.url), { status: 503, body: /\(maxConnections: 2\)/ });
  first.close();
  await first.closed;
  await nextMacrotask();
  await t.connect(server.url);
  assert.equal(server.connections, 2);
});

socketTest("concurrent upgrade hooks do not exceed maxConnections", async (t) => {
  const decide = Promise.withResolvers<void>();
  const server = await t.serve({ maxConnections: 1, upgrade: () => decide.promise });
  const clients = [1, 2, 3].map(() => t.rawClient(server));
  for (const client of clients) client.send(upgradeRequest());
  await nextMacrotask();
  decide.resolve();
  const answers = await Promise.all(clients.map((client) => client.answer()));
  assert.deepEqual(answers.map(({ status }) => status), [101, 503, 503]);
  assert.equal(server.connections, 1);
});

bothSides("receives a pong pipelined after the handshake", async (_, open) => {
  const { peer } = await open();
  peer.send({ opcode: PING, payload: "first" });
  assert.equal((await peer.framesOf(1))[0].opcode, PONG);
});
