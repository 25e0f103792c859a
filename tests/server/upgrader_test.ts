// Tests connections that are created from the upgrade requests of another HTTP server.

import assert from "node:assert/strict";
import type { Connection } from "../../src/connection/connection.ts";
import { type NodeUpgradeRequest, Upgrader } from "../../src/server/upgrader.ts";
import type { UpgradeOptions } from "../../src/server/serve_options.ts";
import { transportPair } from "../support/memory_network.ts";
import type { RawPeer } from "../support/raw_peer.ts";
import { type Harness, nextMacrotask, socketTest } from "../support/socket_harness.ts";
import { CLOSE, MASK_KEY, TEXT } from "../support/vectors.ts";

/** The header fields of a valid upgrade request. */
const FIELDS = {
  "Host": "a.example",
  "Upgrade": "websocket",
  "Connection": "keep-alive, Upgrade",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version": "13",
};

/** Creates a request as `node:http` parses it. */
function request(fields: Record<string, string> = {}, url = "/chat"): NodeUpgradeRequest {
  const rawHeaders = Object.entries({ ...FIELDS, ...fields }).flat();
  return { method: "GET", url, httpVersion: "1.1", rawHeaders };
}

/** Creates an upgrader, and a function that passes it a request and returns the client's side. */
function attached(
  t: Harness,
  options: UpgradeOptions = {},
  secure = false,
): {
  upgrader: Upgrader;
  ask(
    request: NodeUpgradeRequest,
    head?: (client: RawPeer) => Uint8Array,
  ): { client: RawPeer; result: Promise<Connection<undefined> | undefined> };
} {
  let next = transportPair()[0];
  const upgrader = new Upgrader<undefined>(options, {
    share: () => {
      const transport = next;
      return {
        remoteAddress: "memory",
        remotePort: 0,
        tls: secure ? { serverName: undefined } : undefined,
        watch: (left) =>
          transport.start({ data: () => {}, drain: () => {}, end: left, closed: left }),
        take: () => transport,
        leave: () => {},
        drop: () => transport.destroy(),
      };
    },
  });
  return {
    upgrader,
    ask(request, head = () => new Uint8Array(0)) {
      const [server, far] = transportPair();
      next = server;
      const client = t.peer(far, MASK_KEY);
      const result = upgrader.upgrade(request, { destroy: () => {} }, head(client));
      return { client, result };
    },
  };
}

socketTest("accepts a request parsed by another server", async (t) => {
  const { upgrader, ask } = attached(t, { message: (conn, data) => void conn.send(data) });
  const { client, result } = ask(request());
  assert.equal((await client.answer()).status, 101);
  const conn = await result;
  assert.equal(conn!.url, "ws://a.example/chat");
  assert.deepEqual([...upgrader.clients()], [conn]);
  assert.equal(upgrader.connections, 1);
  client.send({ opcode: TEXT, payload: "echo" });
  await client.framesOf(1);
  assert.deepEqual(client.payloads, ["echo"]);
  client.transport.destroy();
  await conn!.closed;
  assert.equal(upgrader.connections, 0);
});

socketTest("over TLS, the scheme of the URL is wss:", async (t) => {
  const { ask } = attached(t, {}, true);
  const { result, client } = ask(request({}, "/x?y=1"));
  assert.equal((await result)!.url, "wss://a.example/x?y=1");
  client.transport.destroy();
});

socketTest(
  "delivers bytes pipelined after the request, after open",
  async (t) => {
    const log: unknown[] = [];
    const { ask } = attached(t, {
      open: () => void log.push("open"),
      message: (_, data) => void log.push(data),
    });
    const { result } = ask(
      request(),
      (client) => client.encode({ opcode: TEXT, payload: "early" }),
    );
    await result;
    assert.deepEqual(log, ["open", "early"]);
  },
);

socketTest("the upgrade hook decides; a rejection resolves to undefined", async (t) => {
  const { ask } = attached(t, {
    upgrade: async ({ url }) => {
      await nextMacrotask();
      return url.endsWith("/chat") ? { subprotocol: undefined } : { status: 404, body: "no" };
    },
  });
  const good = ask(request());
  const bad = ask(request({}, "/other"));
  assert.notEqual(await good.result, undefined);
  const { status } = await bad.client.answer();
  assert.equal(status, 404);
  bad.client.transport.end();
  assert.equal(await bad.result, undefined);
});

/** Invalid handshake requests. */
const REFUSED: readonly [what: string, request: NodeUpgradeRequest, status: number][] = [
  ["another protocol", request({ Upgrade: "h2c" }), 426],
  ["no key", request({ "Sec-WebSocket-Key": "" }), 400],
  ["another version", request({ "Sec-WebSocket-Version": "8" }), 426],
  ["a foreign origin", request({ Origin: "https://evil.example" }), 403],
  ["non-ASCII bytes", request({ "Sec-WebSocket-Protocol": "caf\u00e9" }), 400],
  ["HTTP/1.0", { ...request(), httpVersion: "1.0" }, 505],
  ["another method", { ...request(), method: "POST" }, 405],
  ["no method and no target", { ...request(), method: undefined, url: undefined }, 400],
];

for (const [what, wrong, status] of REFUSED) {
  socketTest(`answers a request with ${what} with ${status}`, async (t) => {
    const { ask } = attached(t);
    const { client, result } = ask(wrong);
    assert.equal((await client.answer()).status, status);
    client.transport.end();
    assert.equal(await result, undefined);
  });
}

socketTest(
  "resolves to undefined if the client disconnects while the hook is pending",
  async (t) => {
    const { ask } = attached(t, { upgrade: () => new Promise<void>(() => {}) });
    const { client, result } = ask(request());
    await nextMacrotask();
    client.transport.destroy();
    assert.equal(await result, undefined);
  },
);

socketTest("shutdown closes with 1001, and later requests get 503", async (t) => {
  const opened: unknown[] = [];
  const { upgrader, ask } = attached(t, { open: (conn) => void opened.push(conn) });
  const { client, result } = ask(request());
  const conn = await result;
  await client.answer();
  const down = upgrader.shutdown();
  assert.equal((await client.framesOf(1))[0].opcode, CLOSE);
  const late = ask(request());
  assert.equal((await late.client.answer()).status, 503);
  late.client.transport.end();
  assert.equal(await late.result, undefined);
  client.send({ opcode: CLOSE });
  client.transport.end();
  await down;
  const tooLate = ask(request());
  assert.equal((await tooLate.client.answer()).status, 503);
  tooLate.client.transport.end();
  assert.equal(await tooLate.result, undefined);
  assert.deepEqual(opened, [conn]);
});

socketTest("a signal shuts down the upgrader, even if it is already aborted", async (t) => {
  const controller = new AbortController();
  const { upgrader, ask } = attached(t, { signal: controller.signal, closeTimeout: 20 });
  const conn = await ask(request()).result;
  controller.abort();
  await upgrader.finished;
  assert.equal(conn!.readyState, "closed");
  await attached(t, { signal: AbortSignal.abort() }).upgrader.finished;
});

for (
  const name of ["hostname", "port", "unix", "reusePort", "backlog", "tls", "fetch", "noDelay"]
) {
  socketTest(
    `rejects the option ${name}, which belongs to the other server, with a TypeError`,
    (t) => {
      assert.throws(() => attached(t, { [name]: 1 }), {
        name: "TypeError",
        message: new RegExp(`^Option "${name}" cannot be given here`),
      });
      return Promise.resolve();
    },
  );
}

socketTest("throws on invalid options synchronously", (t) => {
  assert.throws(() => attached(t, { message: 7 } as never), TypeError);
  assert.throws(() => attached(t, { maxConnections: 0 }), RangeError);
  assert.throws(() => attached(t, { prot: 1 } as never), TypeError);
  assert.throws(() => attached(t, null as never), TypeError);
  return Promise.resolve();
});
