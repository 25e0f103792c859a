// WebSockets on a `node:http` or `node:https` server, on all three runtimes.

import assert from "node:assert/strict";
import { createServer, type Server as HttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import {
  type CloseInfo,
  type Connection,
  HandshakeError,
  type Message,
  type UpgradeDataOption,
  type UpgradeRequest,
  type WebSocketError,
} from "../../mod.ts";
import {
  attach,
  createUpgrader,
  upgrade,
  type UpgradeOptions,
  type Upgrader,
} from "../../src/node.ts";
import { Deferred, type Live, liveCases, Queue, settled } from "../support/live_harness.ts";
import type { RawSocket } from "../support/raw_socket.ts";
import { upgradeRequest } from "../support/raw_peer.ts";
import { BINARY, CLOSE, closePayload, TEXT, utf8 } from "../support/vectors.ts";
import type { Cases } from "./harness.ts";

const echo: UpgradeOptions = { message: (conn, data) => void conn.send(data) };

/** Listens until the case ends. */
async function listening<S extends HttpServer>(t: Live, server: S): Promise<S & { port: number }> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return Object.assign(server, { port: (server.address() as AddressInfo).port });
}

/** Starts an HTTP server that answers every plain request with its URL. */
function httpServer(t: Live): Promise<HttpServer & { port: number }> {
  return listening(
    t,
    createServer((request, response) => void response.end(`page ${request.url}`)),
  );
}

/** Starts an HTTP server and attaches WebSockets to it. */
async function attached<T = undefined>(
  t: Live,
  options: UpgradeOptions<T> & UpgradeDataOption<T>,
): Promise<{ http: HttpServer; port: number; url: string; sockets: Upgrader<T> }> {
  const http = await httpServer(t);
  const sockets = attach(http, options);
  t.context.after(() => sockets.shutdown({ timeout: 0 }));
  return { http, port: http.port, url: `ws://127.0.0.1:${http.port}/`, sockets };
}

/** Opens a connection. Returns the server side and the raw client. */
async function accepted(
  t: Live,
  options: UpgradeOptions = {},
): Promise<{ conn: Connection<undefined>; peer: RawSocket; sockets: Upgrader }> {
  const { port, sockets } = await attached(t, options);
  const peer = await t.rawClient({ port });
  assert.equal((await peer.upgrade()).status, 101);
  return { conn: [...sockets.clients()][0], peer, sockets };
}

async function page(port: number, path = "/"): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    headers: { Connection: "close" },
  });
  return await response.text();
}

async function assertEcho(conn: Connection<undefined>, data: Message = "echo?"): Promise<void> {
  conn.send(data);
  assert.deepEqual(await conn[Symbol.asyncIterator]().next(), { done: false, value: data });
}

export const cases: Cases = liveCases({
  "attach: upgrades WebSockets on every path and still answers plain HTTP": async (t) => {
    const { port, url, sockets } = await attached(t, echo);
    const conn = await t.connect(url);
    const other = await t.connect(`${url}other?a=b`);
    assert.equal(await page(port, "/health"), "page /health");
    await assertEcho(conn);
    await assertEcho(other);
    assert.equal(sockets.connections, 2);
    assert.deepEqual([...sockets.clients()].map((far) => far.url).sort(), [url, `${url}other?a=b`]);
    assert.equal([...sockets.clients()][0].remoteAddress, "127.0.0.1");
  },

  "delivers frames sent right after the request for any chunk split": async (t) => {
    const messages = new Queue<Message>();
    const { port } = await attached(t, { message: (_, data) => messages.push(data) });
    const payload = Uint8Array.from({ length: 9000 }, (_, i) => i * 31 + 1);
    const together = await t.rawClient({ port });
    together.send(upgradeRequest(), { opcode: BINARY, payload }, { opcode: TEXT, payload: "two" });
    assert.deepEqual([await messages.next(), await messages.next()], [payload, "two"]);
    const apart = await t.rawClient({ port });
    const frame = apart.encode({ opcode: BINARY, payload });
    apart.send(upgradeRequest(), frame.subarray(0, 5));
    assert.equal((await apart.answer()).status, 101);
    apart.send(frame.subarray(5));
    assert.deepEqual(await messages.next(), payload);
  },

  "views of data that followed the request remain valid": async (t) => {
    const kept = new Queue<Message>();
    const { port } = await attached(t, { message: (_, data) => kept.push(data) });
    const peer = await t.rawClient({ port });
    peer.send(upgradeRequest(), { opcode: BINARY, payload: "first" });
    for (let i = 0; i < 100; i++) peer.send({ opcode: BINARY, payload: `number ${i}` });
    const messages = await kept.atLeast(101);
    assert.deepEqual(messages[0], utf8("first"));
    for (let i = 0; i < 100; i++) assert.deepEqual(messages[i + 1], utf8(`number ${i}`));
  },

  "the upgrade hook rejects with a response, and plain HTTP still works": async (t) => {
    const { port, url } = await attached<{ user: string }>(t, {
      async upgrade(request) {
        await Promise.resolve();
        const user = request.headers.get("x-user");
        if (user === null) return { status: 401, headers: { "X-Why": "no user" }, body: "log in" };
        return { data: { user }, subprotocol: request.subprotocols[0] };
      },
      message: (conn, data) => void conn.send(`${conn.data.user}: ${data}`),
    });
    await assert.rejects(
      t.connect(url),
      (error) =>
        error instanceof HandshakeError && error.status === 401 && error.body === "log in" &&
        error.headers!.get("x-why") === "no user",
    );
    assert.equal(await page(port), "page /");
    const conn = await t.connect(url, { headers: { "X-User": "ada" }, subprotocols: ["chat"] });
    assert.equal(conn.protocol, "chat");
    conn.send("hello");
    assert.equal((await conn[Symbol.asyncIterator]().next()).value, "ada: hello");
  },

  "hosts applies as in serve": async (t) => {
    const { port, url } = await attached(t, { allowedHosts: ["127.0.0.1"] });
    const rebound = await t.rawClient({ port });
    assert.equal((await rebound.upgrade(["Origin: http://a.example"])).status, 421);
    await t.connect(url);
  },

  "origins, maxConnections and subprotocols apply as in serve": async (t) => {
    const { port, url } = await attached(t, { maxConnections: 1, subprotocols: ["v2", "v1"] });
    const evil = await t.rawClient({ port });
    assert.equal((await evil.upgrade(["Origin: http://evil.example"])).status, 403);
    const conn = await t.connect(url, { subprotocols: ["v1", "v2"] });
    assert.equal(conn.protocol, "v2");
    await assert.rejects(
      t.connect(url),
      (error) => error instanceof HandshakeError && error.status === 503,
    );
  },

  "rejects an invalid handshake and closes its socket": async (t) => {
    const { port } = await attached(t, {});
    const peer = await t.rawClient({ port });
    peer.send(upgradeRequest().replace("Version: 13", "Version: 8"));
    const { status, headers } = await peer.answer();
    assert.equal(status, 426);
    assert.equal(headers.get("sec-websocket-version"), "13");
    await peer.until(() => peer.ended || peer.isClosed);
  },

  "transfers messages of 16 MiB in both directions": async (t) => {
    const { url } = await attached(t, echo);
    await assertEcho(await t.connect(url), new Uint8Array(16 << 20).fill(7));
  },

  "applies backpressure: send returns false, drain is called, and slow peers are disconnected":
    async (t) => {
      const drains = new Queue<void>();
      const options: UpgradeOptions = { highWaterMark: 65536, drain: () => drains.push() };
      const { conn, peer } = await accepted(t, options);
      peer.discards = true;
      peer.pause();
      assert.equal(conn.send(new Uint8Array(32 << 20)), false);
      assert.ok(await settled(() => conn.bufferedAmount) > 0);
      assert.equal(drains.all.length, 0);
      peer.resume();
      await drains.next();

      const slow = await accepted(t, { maxBufferedAmount: 40 << 20 });
      slow.peer.pause();
      slow.conn.send(new Uint8Array(32 << 20));
      assert.ok(await settled(() => slow.conn.bufferedAmount) > 0);
      slow.conn.send(new Uint8Array(40 << 20));
      const { error } = await slow.conn.closed;
      assert.equal((error as WebSocketError).code, "SLOW_CONSUMER");
    },

  "pause applies backpressure to the peer, and resume continues": async (t) => {
    let delivered = 0;
    const { conn, peer } = await accepted(t, {
      message: (_, data) => void (delivered += data.length),
    });
    conn.pause();
    const message = peer.encode({ opcode: BINARY, payload: new Uint8Array(1 << 20) });
    const before = peer.flushed;
    for (let i = 0; i < 64; i++) peer.send(message);
    const sent = await settled(() => peer.flushed) - before;
    assert.equal(delivered, 0);
    assert.ok(sent < 48 << 20, `${sent} bytes were sent`);
    conn.resume();
    await peer.until(() => peer.socket.writableLength === 0);
    assert.equal(await settled(() => delivered), 64 << 20);
  },

  "both sides can close cleanly, and a disconnect is detected": async (t) => {
    const byPeer = await accepted(t);
    byPeer.peer.send({ opcode: CLOSE, payload: closePayload(4000, "bye") });
    assert.deepEqual((await byPeer.peer.frame())!.payload, closePayload(4000));
    await byPeer.peer.until(() => byPeer.peer.ended || byPeer.peer.isClosed);
    byPeer.peer.end();
    const remote = await byPeer.conn.closed;
    assert.deepEqual([remote.code, remote.reason, remote.clean], [4000, "bye", true]);

    const byUs = await accepted(t);
    byUs.conn.close(4001, "enough");
    assert.deepEqual((await byUs.peer.frame())!.payload, closePayload(4001, "enough"));
    byUs.peer.send({ opcode: CLOSE, payload: closePayload(4001) });
    byUs.peer.end();
    assert.equal((await byUs.conn.closed).clean, true);

    const lost = await accepted(t);
    lost.peer.destroy();
    assert.equal((await lost.conn.closed).code, 1006);

    const cut = await accepted(t);
    cut.conn.terminate();
    await cut.peer.until(() => cut.peer.ended || cut.peer.isClosed);
    assert.equal((await cut.conn.closed).code, 1006);
  },

  "shutdown closes with 1001 and detaches; the HTTP server continues": async (t) => {
    const { http, port, url, sockets } = await attached(t, echo);
    const ends = new Queue<CloseInfo>();
    await t.connect(url, { close: (_, info) => ends.push(info) });
    assert.equal(http.listenerCount("upgrade"), 1);
    await sockets.shutdown();
    assert.equal((await ends.next()).code, 1001);
    assert.equal(sockets.connections, 0);
    assert.equal(http.listenerCount("upgrade"), 0);
    assert.equal(await page(port), "page /");
    const again = attach(http, echo);
    t.context.after(() => again.shutdown({ timeout: 0 }));
    await assertEcho(await t.connect(url));
  },

  "signal and `await using` shut down, broadcast reaches all connections": async (t) => {
    const controller = new AbortController();
    const { http, url, sockets } = await attached(t, { signal: controller.signal });
    const near = await Promise.all([t.connect(url), t.connect(url)]);
    assert.equal(sockets.broadcast("to all"), 2);
    for (const conn of near) {
      assert.equal((await conn[Symbol.asyncIterator]().next()).value, "to all");
    }
    controller.abort();
    await sockets.finished;
    for (const conn of near) assert.equal((await conn.closed).code, 1001);
    {
      await using _ = attach(http, echo);
      assert.equal(http.listenerCount("upgrade"), 1);
    }
    assert.equal(http.listenerCount("upgrade"), 0);
  },

  "createUpgrader applies its options to the upgraded paths": async (t) => {
    const http = await httpServer(t);
    const chat = createUpgrader({ message: (conn, data) => void conn.send(`chat ${data}`) });
    const news = createUpgrader({ message: (conn, data) => void conn.send(`news ${data}`) });
    for (const upgrader of [chat, news]) t.context.after(() => upgrader.shutdown({ timeout: 0 }));
    http.on("upgrade", (request, socket, head) => {
      if (request.url === "/chat") chat.upgrade(request, socket, head);
      else if (request.url === "/news") news.upgrade(request, socket, head);
      else socket.destroy();
    });
    for (const name of ["chat", "news"]) {
      const conn = await t.connect(`ws://127.0.0.1:${http.port}/${name}`);
      conn.send("hello");
      assert.equal((await conn[Symbol.asyncIterator]().next()).value, `${name} hello`);
    }
    await assert.rejects(t.connect(`ws://127.0.0.1:${http.port}/`));
    assert.deepEqual([chat.connections, news.connections], [1, 1]);
  },

  "upgrade returns a connection, or undefined for a rejected request": async (t) => {
    const http = await httpServer(t);
    const outcomes = new Queue<Connection<undefined> | undefined>();
    http.on("upgrade", async (request, socket, head) => {
      outcomes.push(
        await upgrade(request, socket, head, {
          ...echo,
          upgrade: () => request.url === "/no" ? { status: 403 } : undefined,
        }),
      );
    });
    const near = await t.connect(`ws://127.0.0.1:${http.port}/yes`);
    const far = await outcomes.next();
    assert.equal(far!.readyState, "open");
    await assertEcho(near);
    near.close();
    await far!.closed;
    await assert.rejects(t.connect(`ws://127.0.0.1:${http.port}/no`), HandshakeError);
    assert.equal(await outcomes.next(), undefined);
  },

  "attach on node:https serves wss": async (t) => {
    const { ca, cert, key } = t.context.fixtures.certificates;
    const opened = new Deferred<string>();
    const https = await listening(
      t,
      createHttpsServer({ cert, key }, (_, response) => void response.end("a page")),
    );
    const sockets = attach(https, { ...echo, open: (conn) => opened.resolve(conn.url) });
    t.context.after(() => sockets.shutdown({ timeout: 0 }));
    const url = `wss://127.0.0.1:${https.port}/`;
    const conn = await t.connect(url, { tls: { caCerts: [ca] } });
    assert.equal(await opened.promise, url);
    await assertEcho(conn);
    await assertEcho(conn, new Uint8Array(1 << 20).fill(3));
    conn.close();
    assert.equal((await conn.closed).clean, true);
  },

  "rejects options that belong to the HTTP server": () => {
    const http = createServer();
    const options = [
      ["port", 1],
      ["hostname", "::1"],
      ["unix", "/chat"],
      ["tls", {}],
      ["fetch", () => new Response()],
      ["maxHandshakeSize", 1000],
      ["reusePort", true],
      ["backlog", 1],
      ["noDelay", true],
      ["readBufferSize", 1000],
      ["denoSockets", "node:net"],
    ] as const;
    for (const [name, value] of options) {
      for (const use of [createUpgrader, (given: UpgradeOptions) => attach(http, given)]) {
        assert.throws(() => use({ [name]: value }), {
          name: "TypeError",
          message: new RegExp(`"${name}"`),
        });
      }
    }
    assert.throws(() => createUpgrader({ mesage() {} } as UpgradeOptions), /mesage/);
    assert.equal(http.listenerCount("upgrade"), 0);
    return Promise.resolve();
  },

  "upgrade returns undefined for a disconnected client": async (t) => {
    for (const leave of ["resetAndDestroy", "end"] as const) {
      const http = await httpServer(t);
      const upgrader = createUpgrader({ open: () => assert.fail("opened") });
      const arrived = new Deferred<() => Promise<Connection<undefined> | undefined>>();
      http.on("upgrade", (request, socket, head) => {
        arrived.resolve(() => upgrader.upgrade(request, socket, head));
        socket.on("error", () => {});
      });
      const peer = await t.rawClient({ port: http.port });
      peer.send(upgradeRequest());
      const upgradeNow = await arrived.promise;
      peer.socket[leave]();
      // The socket has no reader before the upgrade, so no event reports its disconnect.
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.equal(await upgradeNow(), undefined);
      assert.equal(upgrader.connections, 0);
      await upgrader.shutdown({ timeout: 500 });
    }
  },

  "upgrade returns undefined for a socket that was ended, and its response arrives": async (t) => {
    const http = await httpServer(t);
    const upgrader = createUpgrader({ open: () => assert.fail("opened") });
    const result = new Deferred<Connection<undefined> | undefined>();
    http.on("upgrade", (request, socket, head) => {
      socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
      upgrader.upgrade(request, socket, head).then(result.resolve, result.reject);
    });
    const peer = await t.rawClient({ port: http.port });
    peer.send(upgradeRequest());
    assert.equal((await peer.answer()).status, 403);
    assert.equal(await result.promise, undefined);
    assert.equal(upgrader.connections, 0);
    await upgrader.shutdown({ timeout: 500 });
  },

  "returns undefined and calls release when the client disconnects during the hook": async (
    t,
  ) => {
    for (const leave of ["resetAndDestroy", "end"] as const) {
      const http = await httpServer(t);
      const asked = new Deferred<void>();
      const decide = new Deferred<void>();
      const released = new Deferred<void>();
      const outcome = new Deferred<unknown>();
      const upgrader = createUpgrader({
        async upgrade() {
          asked.resolve();
          await decide.promise;
          return { release: () => released.resolve() };
        },
      });
      http.on("upgrade", (request, socket, head) => {
        upgrader.upgrade(request, socket, head).then(outcome.resolve);
      });
      const peer = await t.rawClient({ port: http.port });
      peer.send(upgradeRequest());
      await asked.promise;
      peer.socket[leave]();
      assert.equal(await outcome.promise, undefined);
      decide.resolve();
      await released.promise;
      await upgrader.shutdown();
    }
  },

  "a second upgrade of one socket throws, and the client gets one response": async (t) => {
    const http = await httpServer(t);
    const upgrader = createUpgrader(echo);
    t.context.after(() => upgrader.shutdown({ timeout: 0 }));
    const failure = new Deferred<unknown>();
    http.on("upgrade", (request, socket, head) => {
      upgrader.upgrade(request, socket, head);
      try {
        upgrader.upgrade(request, socket, head);
      } catch (error) {
        failure.resolve(error);
      }
      try {
        createUpgrader(echo).upgrade(request, socket, head);
      } catch (error) {
        failure.resolve(error);
      }
    });
    const peer = await t.rawClient({ port: http.port });
    assert.equal((await peer.upgrade()).status, 101);
    assert.ok(await failure.promise instanceof TypeError);
    peer.send({ opcode: TEXT, payload: "one" });
    assert.deepEqual((await peer.frame())!.payload, utf8("one"));
  },

  "the data given to upgrade is set before open": async (t) => {
    const http = await httpServer(t);
    const log = new Queue<string>();
    const upgrader = createUpgrader<{ user: string }>({
      upgrade: () => ({ data: { user: "guest" } }),
      open: (conn) => log.push(conn.data.user),
      message: () => log.push("shared"),
    });
    t.context.after(() => upgrader.shutdown({ timeout: 0 }));
    http.on("upgrade", (request, socket, head) => {
      const own = {
        open: (conn: Connection<{ user: string }>) => log.push(`own ${conn.data.user}`),
      };
      upgrader.upgrade(request, socket, head, {
        data: { user: "ada" },
        ...(request.url === "/own" ? { handlers: own } : {}),
      });
    });
    await t.connect(`ws://127.0.0.1:${http.port}/`);
    assert.equal(await log.next(), "ada");
    await t.connect(`ws://127.0.0.1:${http.port}/own`);
    assert.equal(await log.next(), "own ada");
    http.removeAllListeners("upgrade");
    http.on("upgrade", (request, socket, head) => {
      assert.throws(
        () => upgrader.upgrade(request, socket, head, { dta: 1 } as { data?: { user: string } }),
        /dta/,
      );
      socket.destroy();
    });
    await assert.rejects(t.connect(`ws://127.0.0.1:${http.port}/`));
  },

  "attach with a path leaves other paths to other listeners": async (t) => {
    const http = await httpServer(t);
    const taken: string[] = [];
    const a = attach(http, { ...echo, path: "/a" });
    http.on("upgrade", (request, socket) => {
      taken.push(request.url!);
      if (request.url === "/own") {
        socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\n\r\n");
      }
    });
    const b = attach(http, { ...echo, path: ["/b", "/c"] });
    for (const upgrader of [a, b]) t.context.after(() => upgrader.shutdown({ timeout: 0 }));
    for (const path of ["a", "b", "c"]) {
      await assertEcho(await t.connect(`ws://127.0.0.1:${http.port}/${path}`));
    }
    assert.deepEqual([a.connections, b.connections], [1, 2]);
    const own = await t.rawClient({ port: http.port });
    own.send(upgradeRequest([], "/own"));
    const { status, headers } = await own.answer();
    assert.deepEqual([status, headers.get("upgrade")], [101, "other"]);
    assert.equal(await own.rest(), "");
    assert.deepEqual(taken, ["/a", "/b", "/c", "/own"]);
  },

  "a hook can leave a request to other listeners, synchronously or asynchronously": async (
    t,
  ) => {
    const http = await httpServer(t);
    const only = (path: string, later: boolean): UpgradeOptions => ({
      ...echo,
      upgrade(request) {
        const result = request.path === path ? undefined : "pass" as const;
        return later ? Promise.resolve(result) : result;
      },
    });
    const all = [attach(http, only("/a", false)), attach(http, only("/b", true))];
    for (const upgrader of all) t.context.after(() => upgrader.shutdown({ timeout: 0 }));
    for (const path of ["a", "b", "a", "b"]) {
      await assertEcho(await t.connect(`ws://127.0.0.1:${http.port}/${path}`));
    }
    assert.deepEqual(all.map(({ connections }) => connections), [2, 2]);
    const peer = await t.rawClient({ port: http.port });
    peer.send(upgradeRequest([], "/none"));
    assert.equal((await peer.answer()).status, 404);
  },

  "answers 404 when there are only attach listeners and none accepts": async (t) => {
    const http = await httpServer(t);
    const refused = new Queue<string>();
    for (const path of ["/a", "/b"]) {
      const upgrader = attach(http, {
        path,
        onRefused: (request, { status }) => refused.push(`${request.path} ${status}`),
      });
      t.context.after(() => upgrader.shutdown({ timeout: 0 }));
    }
    const peer = await t.rawClient({ port: http.port });
    peer.send(upgradeRequest([], "/other?x"));
    assert.equal((await peer.answer()).status, 404);
    assert.equal(await refused.next(), "/other 404");
  },

  "a hook can also leave cross-origin requests to other listeners": async (t) => {
    const http = await httpServer(t);
    const upgrader = attach(http, {
      ...echo,
      upgrade: ({ path }) => path === "/a" ? undefined : "pass",
    });
    t.context.after(() => upgrader.shutdown({ timeout: 0 }));
    http.on("upgrade", (request, socket) => {
      if (request.url === "/hmr") socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    });
    const evil = ["Origin: http://evil.example"];
    const hmr = await t.rawClient({ port: http.port });
    hmr.send(upgradeRequest(evil, "/hmr"));
    assert.equal((await hmr.answer()).status, 101);
    const own = await t.rawClient({ port: http.port });
    own.send(upgradeRequest(evil, "/a"));
    assert.equal((await own.answer()).status, 403);
  },

  "two listeners for one request: one response, and onError reports the mistake": async (
    t,
  ) => {
    const http = await httpServer(t);
    const errors = new Queue<unknown>();
    const options: UpgradeOptions = { ...echo, onError: errors.push };
    const pair = [attach(http, options), attach(http, options)];
    for (const upgrader of pair) t.context.after(() => upgrader.shutdown({ timeout: 0 }));
    const { port } = http;
    await assertEcho(await t.connect(`ws://127.0.0.1:${port}/`));
    assert.match(String(await errors.next()), /TypeError: Two listeners .*path.*pass/);
    assert.deepEqual(pair.map(({ connections }) => connections), [1, 0]);
    const refused = await t.rawClient({ port });
    refused.send(upgradeRequest(["Origin: http://evil.example"]));
    assert.equal((await refused.answer()).status, 403);
    assert.equal((await refused.rest()).match(/HTTP\/1\.1/g), null);
    await errors.atLeast(2);
  },

  "leaves a request to the listener that accepted it": async (t) => {
    for (const first of [true, false]) {
      const http = await httpServer(t);
      const errors = new Queue<unknown>();
      const foreign = (): void => {
        http.on("upgrade", (_, socket) => {
          socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\n\r\n");
          socket.on("data", (chunk) => socket.end(chunk));
        });
      };
      if (first) foreign();
      const upgrader = attach(http, { ...echo, onError: errors.push });
      t.context.after(() => upgrader.shutdown({ timeout: 0 }));
      if (!first) foreign();
      const peer = await t.rawClient({ port: http.port });
      peer.send(upgradeRequest());
      assert.equal((await peer.answer()).headers.get("upgrade"), "other");
      peer.send("other");
      assert.equal(await peer.rest(), "other");
      assert.ok(await errors.next() instanceof TypeError);
      assert.equal(upgrader.connections, 0);
    }
  },

  "leaves upgrades to other protocols to other listeners": async (t) => {
    const http = await httpServer(t);
    const upgrader = attach(http, echo);
    t.context.after(() => upgrader.shutdown({ timeout: 0 }));
    http.on("upgrade", (request, socket) => {
      if (request.headers.upgrade === "other") socket.end("HTTP/1.1 101 Fine\r\n\r\n");
    });
    const peer = await t.rawClient({ port: http.port });
    peer.send(upgradeRequest().replace("websocket", "other"));
    assert.equal((await peer.answer()).status, 101);
    await assertEcho(await t.connect(`ws://127.0.0.1:${http.port}/`));
  },

  "cookies with obs-text, raw, tls and remotePort have the HTTP server's values": async (t) => {
    const seen = new Deferred<UpgradeRequest>();
    const { port } = await attached(t, { upgrade: (request) => seen.resolve(request) });
    const peer = await t.rawClient({ port });
    const request = upgradeRequest(["Cookie: city=M\xfcnchen"]);
    peer.send(Uint8Array.from(request, (character) => character.charCodeAt(0)));
    assert.equal((await peer.answer()).status, 101);
    const { raw, remotePort, tls, headers, path } = await seen.promise;
    assert.equal((raw as { url: string }).url, "/chat");
    assert.equal(path, "/chat");
    assert.equal(remotePort, peer.socket.localPort);
    assert.equal(tls, undefined);
    assert.match(headers.get("cookie")!, /^city=M.nchen$/u);
    const strict = await t.rawClient({ port });
    strict.send(
      Uint8Array.from(upgradeRequest(["Sec-WebSocket-Protocol: \xfc"]), (c) => c.charCodeAt(0)),
    );
    assert.equal((await strict.answer()).status, 400);
  },

  "sends a Response from the hook": async (t) => {
    const { port } = await attached(t, {
      upgrade: () => new Response("closed today", { status: 403 }),
    });
    const peer = await t.rawClient({ port });
    assert.equal((await peer.upgrade()).status, 403);
    assert.equal(await peer.rest(), "closed today");
  },

  "an aborted request does not end the process while a hook is pending": async (t) => {
    const decide = new Deferred<void>();
    const asked = new Queue<void>();
    const { port, url, sockets } = await attached(t, {
      ...echo,
      async upgrade({ path }) {
        if (path !== "/chat") return;
        asked.push();
        await decide.promise;
      },
    });
    for (let i = 0; i < 5; i++) {
      const peer = await t.rawClient({ port });
      peer.send(upgradeRequest());
      await asked.next();
      peer.socket.resetAndDestroy();
    }
    await settled(() => sockets.stats().handshakes);
    decide.resolve();
    await assertEcho(await t.connect(url));
    assert.equal(sockets.connections, 1);
  },
});
