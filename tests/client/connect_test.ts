// The requests that connect sends, and its failures.

import assert from "node:assert/strict";
import { ConnectionError } from "../../src/errors.ts";
import type { ConnectOptions } from "../../src/client/connect_options.ts";
import { connectOver } from "../../src/client/connect.ts";
import { timers } from "../../src/shared/timer_wheel.ts";
import { MemoryNetwork, transportPair } from "../support/memory_network.ts";
import { nextMacrotask, socketTest } from "../support/socket_harness.ts";
import { TEXT } from "../support/vectors.ts";

const URL_OF_A = "ws://a.example/chat";

/** Returns the lines of a request without the key. */
function linesOf(request: string): string[] {
  const lines = request.trimEnd().split("\r\n");
  return lines.filter((line) => !line.startsWith("Sec-WebSocket-Key: "));
}

socketTest("sends the request of RFC 6455 4.1 and nothing more", async (t) => {
  const { peer } = t.startConnect({}, "ws://a.example:8080/chat?room=1");
  assert.deepEqual(linesOf(await peer.head()), [
    "GET /chat?room=1 HTTP/1.1",
    "Host: a.example:8080",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
  ]);
  assert.equal(peer.transport.peer.writes.length, 1);
});

socketTest("sends a key of 16 random bytes, different for each connection", async (t) => {
  const keys = new Set<string>();
  for (let i = 0; i < 20; i++) {
    const request = await t.startConnect().peer.head();
    const [, key] = /Sec-WebSocket-Key: (.*)\r\n/.exec(request)!;
    assert.equal(atob(key).length, 16);
    keys.add(key);
  }
  assert.equal(keys.size, 20);
});

socketTest("sends origin, subprotocols, headers and credentials in the request", async (t) => {
  const { peer } = t.startConnect({
    origin: "https://b.example",
    subprotocols: ["v2", "v1"],
    headers: [["Cookie", "a=b"], ["X-Two", "1"], ["X-Two", "2"]],
  }, "ws://user:p%40ss@a.example/");
  const lines = linesOf(await peer.head());
  assert.deepEqual(lines.slice(4), [
    "Sec-WebSocket-Version: 13",
    "Origin: https://b.example",
    "Sec-WebSocket-Protocol: v2, v1",
    "Cookie: a=b",
    "X-Two: 1",
    "X-Two: 2",
    `Authorization: Basic ${btoa("user:p@ss")}`,
  ]);
});

socketTest("the user's Authorization overrides the credentials of the URL", async (t) => {
  for (const name of ["Authorization", "authorization", "AUTHORIZATION"]) {
    const { peer } = t.startConnect(
      { headers: { [name]: "Bearer x" } },
      "ws://user:pass@a.example/",
    );
    const fields = linesOf(await peer.head()).filter((line) => /^authorization:/i.test(line));
    assert.deepEqual(fields, [`${name}: Bearer x`]);
  }
});

socketTest("connect does not modify its options", async (t) => {
  const headers = new Headers({ Cookie: "a=b" });
  const options = Object.freeze({ headers, subprotocols: Object.freeze(["v1"]) as string[] });
  const server = await t.serve();
  const url = new URL(server.url);
  url.username = "user";
  const before = url.href;
  for (let i = 0; i < 2; i++) await t.connect(url, options);
  assert.equal(url.href, before);
  assert.deepEqual([...headers], [["cookie", "a=b"]]);
});

/** Options with line breaks and other control characters. */
const INJECTIONS: readonly [what: string, options: Record<string, unknown>][] = [
  ["a header's value", { headers: { X: "a\r\nSet-Cookie: b" } }],
  ["a header's value, as a bare LF", { headers: { X: "a\nb" } }],
  ["a header's value, as NUL", { headers: [["X", "a\0b"]] }],
  ["a header's name", { headers: [["X: y\r\nZ", "a"]] }],
  ["the origin", { origin: "https://a.example\r\nX: y" }],
  ["a subprotocol", { subprotocols: ["a\r\nX: y"] }],
];

for (const [what, options] of INJECTIONS) {
  socketTest(`${what} cannot inject a line into the request: TypeError`, async (t) => {
    await assert.rejects(t.connect(URL_OF_A, options as ConnectOptions), TypeError);
    assert.deepEqual(t.network.dialed, []);
  });
}

socketTest("the URL cannot inject a line into the request", async (t) => {
  for (
    const url of [
      "ws://a.example/a\r\nX: y",
      "ws://a.example/?a\r\nX: y",
      "ws://u\r\nX:p@a.example/",
    ]
  ) {
    const lines = linesOf(await t.startConnect({}, url).peer.head());
    assert.ok(!lines.some((line) => line.startsWith("X:")), lines.join("\n"));
  }
});

for (const name of ["Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Content-Length"]) {
  socketTest(`rejects the header field ${name} in headers with a TypeError`, async (t) => {
    await assert.rejects(t.connect(URL_OF_A, { headers: { [name]: "x" } }), {
      name: "TypeError",
      message: new RegExp(name),
    });
  });
}

for (
  const [what, url, options] of [
    ["an invalid URL", "http//a", {}],
    ["an unknown option", URL_OF_A, { port: 1 }],
    ["no options", URL_OF_A, null],
  ] as const
) {
  Deno.test(`rejects ${what} before dialing`, async () => {
    const network = new MemoryNetwork();
    await assert.rejects(connectOver(network, url, options as ConnectOptions), TypeError);
    assert.deepEqual(network.dialed, []);
    assert.equal(timers.size, 0);
  });
}

const DIALS: readonly [url: string, hostname: string, port: number, tls: object | undefined][] = [
  ["ws://a.example/", "a.example", 80, undefined],
  ["wss://a.example/", "a.example", 443, { serverName: "b.example" }],
  ["ws://[::1]:8080/", "::1", 8080, undefined],
  ["wss://127.0.0.1:8443/", "127.0.0.1", 8443, { serverName: "b.example" }],
];

for (const [url, hostname, port, tls] of DIALS) {
  socketTest(
    `dials ${hostname}, port ${port}, ${tls ? "with" : "without"} TLS for ${url}`,
    async (t) => {
      const options = { tls: { serverName: "b.example" }, noDelay: false, readBufferSize: 4096 };
      await assert.rejects(t.connect(url, options), { code: "CONNECT_FAILED" });
      const [{ signal, ...dialed }] = t.network.dialed;
      assert.deepEqual(dialed, { hostname, port, tls, noDelay: false, readBufferSize: 4096 });
      assert.ok(signal instanceof AbortSignal);
    },
  );
}

socketTest("the dial option receives the address and replaces the network", async (t) => {
  const addresses: unknown[] = [];
  await assert.rejects(
    t.connect("wss://a.example:8443/", {
      dial: ({ hostname, port, tls, noDelay }) => {
        addresses.push({ hostname, port, tls, noDelay });
        return Promise.reject(new Error("no way"));
      },
    }),
    { code: "CONNECT_FAILED" },
  );
  assert.deepEqual(addresses, [{ hostname: "a.example", port: 8443, tls: {}, noDelay: true }]);
  assert.deepEqual(t.network.dialed, []);
});

const failure = new Error("no route to host");

/** Dial functions that fail. */
const FAILING: readonly [what: string, dial: () => Promise<never>, cause: unknown][] = [
  ["rejects", () => Promise.reject(failure), failure],
  ["throws", () => {
    throw failure;
  }, failure],
  ["rejects with a string", () => Promise.reject("broken"), "broken"],
];

for (const [what, dial, cause] of FAILING) {
  socketTest(`a dial that ${what} fails with CONNECT_FAILED and the cause`, async (t) => {
    await assert.rejects(t.connect("ws://user:secret@a.example/", { dial }), (error: Error) => {
      assert.ok(error instanceof ConnectionError);
      assert.equal(error.code, "CONNECT_FAILED");
      assert.match(error.message, /^Cannot connect to ws:\/\/a\.example\/: (no route|"?broken)/);
      assert.doesNotMatch(error.message, /secret/);
      assert.equal(error.cause, cause);
      return true;
    });
  });
}

socketTest("dial may reject with any value", async (t) => {
  const cause = Object.create(null);
  const connecting = t.connect(URL_OF_A, { dial: () => Promise.reject(cause) });
  await assert.rejects(connecting, (error: Error) => {
    assert.equal((error as ConnectionError).code, "CONNECT_FAILED");
    assert.equal(error.cause, cause);
    return true;
  });
});

socketTest("a refused connection fails with CONNECT_FAILED and the network's error", async (t) => {
  await assert.rejects(t.connect("ws://127.0.0.1:9/"), {
    name: "ConnectionError",
    code: "CONNECT_FAILED",
    message: "Cannot connect to ws://127.0.0.1:9/: connection refused",
  });
});

socketTest(
  "calls open before connect resolves, and delivers pipelined messages after open",
  async (t) => {
    const log: string[] = [];
    const server = await t.serve({ open: (conn) => void conn.send("welcome") });
    const conn = await t.connect(server.url, {
      open: () => void log.push("open"),
      message: (_, data) => void log.push(`message ${data}`),
    });
    log.push("connected");
    assert.equal(conn.readyState, "open");
    assert.deepEqual(log, ["open", "message welcome", "connected"]);
  },
);

socketTest("resolves with a connection that ended in open", async (t) => {
  const { conn } = await t.openClient({
    open: () => {
      throw new Error("no");
    },
  });
  assert.notEqual(conn.readyState, "open");
  assert.equal(conn.send("late"), false);
});

socketTest("parallel connections do not share state", async (t) => {
  const server = await t.serve({ message: (conn, data) => void conn.send(data) });
  const conns = await Promise.all(Array.from({ length: 50 }, () => t.connect(server.url)));
  for (const [i, conn] of conns.entries()) conn.send(`number ${i}`);
  for (const [i, conn] of conns.entries()) {
    const { value } = await conn[Symbol.asyncIterator]().next();
    assert.equal(value, `number ${i}`);
  }
  assert.equal(server.connections, 50);
});

socketTest(
  "does not mix a partially written request with later output",
  async (t) => {
    const [transport, far] = transportPair();
    const peer = t.peer(far);
    transport.blocked = true;
    const connecting = t.connect(URL_OF_A, {
      dial: () => Promise.resolve(transport),
      open: (conn) => void conn.send("first"),
    });
    await nextMacrotask();
    transport.deliverPendingWrite();
    await peer.acceptUpgrade();
    const conn = await connecting;
    conn.send("second");
    transport.unblock();
    await peer.framesOf(2);
    assert.deepEqual(peer.payloads, ["first", "second"]);
    assert.ok(peer.frames.every(({ opcode }) => opcode === TEXT));
  },
);

socketTest(
  "writes nothing else while the request is being written",
  async (t) => {
    const [transport, far] = transportPair();
    const peer = t.peer(far);
    transport.writesLater = true;
    const connecting = t.connect(URL_OF_A, {
      dial: () => Promise.resolve(transport),
      open: (conn) => void conn.send("first"),
    });
    await peer.acceptUpgrade();
    const conn = await connecting;
    conn.send("second");
    await nextMacrotask();
    assert.equal(transport.writes.length, 1, "writes only the request");
    transport.acknowledge();
    await peer.framesOf(2);
    conn.send("third");
    await nextMacrotask();
    assert.equal(transport.writes.length, 2);
    transport.acknowledge();
    await peer.framesOf(3);
    assert.deepEqual(peer.payloads, ["first", "second", "third"]);
  },
);
