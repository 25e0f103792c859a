// The address options of `serve`, and the operations of a running server.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  type CloseInfo,
  type Connection,
  ConnectionError,
  HandshakeError,
  type Message,
  prepareMessage,
  serve,
  type ServeOptions,
} from "../../mod.ts";
import { Deferred, type Live, liveCases, Queue } from "../support/live_harness.ts";
import { RawSocket } from "../support/raw_socket.ts";
import type { RuntimeName } from "../support/runtimes.ts";
import { upgradeRequest } from "../support/raw_peer.ts";
import { CLOSE, closePayload } from "../support/vectors.ts";
import { hasCapability } from "./capabilities.ts";
import type { Cases } from "./harness.ts";

/** The exports of the main entry. */
type Entry = typeof import("../../mod.ts");

const echo: ServeOptions = { message: (conn, data) => void conn.send(data) };

/** Sends a message and waits for its echo. */
async function assertEcho(conn: Connection<undefined>): Promise<void> {
  conn.send("echo?");
  assert.deepEqual(await conn[Symbol.asyncIterator]().next(), { done: false, value: "echo?" });
}

/** Connects clients. Returns them with their received messages and close infos. */
async function clients(t: Live, url: string, count: number): Promise<{
  connections: Connection<undefined>[];
  messages: Queue<Message>[];
  ends: Queue<CloseInfo>[];
}> {
  const messages = Array.from({ length: count }, () => new Queue<Message>());
  const ends = Array.from({ length: count }, () => new Queue<CloseInfo>());
  const connections = await Promise.all(messages.map((queue, i) =>
    t.connect(url, {
      message: (_, data) => queue.push(data),
      close: (_, info) => ends[i].push(info),
    })
  ));
  return { connections, messages, ends };
}

const addressCases = liveCases({
  "serve listens on 127.0.0.1 and a free port by default": async (t) => {
    const server = await t.serve();
    assert.equal(server.hostname, "127.0.0.1");
    assert.ok(server.port > 0);
    assert.equal(server.url, `ws://127.0.0.1:${server.port}/`);
    const conn = await t.connect(server.url);
    assert.equal(conn.remoteAddress, "127.0.0.1");
  },

  "the runtime's specific entry behaves the same": async (t) => {
    const entries: Record<RuntimeName, () => Promise<Pick<Entry, "serve" | "connect">>> = {
      deno: () => import("../../src/deno.ts"),
      bun: () => import("../../src/bun.ts"),
      node: () => import("../../src/node.ts"),
    };
    const entry = await entries[t.context.runtime]();
    const server = await entry.serve(echo);
    t.context.after(() => server.shutdown({ timeout: 0 }));
    const conn = await entry.connect(server.url);
    await assertEcho(conn);
    conn.close();
    assert.equal((await conn.closed).clean, true);
  },

  "listens on hostname and port": async (t) => {
    const { port } = await t.serve();
    const server = await t.serve({ ...echo, hostname: "127.0.0.2", port });
    assert.equal(server.url, `ws://127.0.0.2:${port}/`);
    await assertEcho(await t.connect(server.url));
  },

  "serve rejects when the port is in use": async (t) => {
    const { port } = await t.serve();
    await assert.rejects(serve({ port }), Error);
  },

  "IPv6: the URL has brackets, addresses have none": async (t) => {
    const server = await t.serve({ ...echo, hostname: "::1" });
    assert.equal(server.hostname, "::1");
    assert.equal(server.url, `ws://[::1]:${server.port}/`);
    const conn = await t.connect(server.url);
    assert.equal(conn.remoteAddress, "::1");
    assert.equal([...server.clients()][0].remoteAddress, "::1");
    await assertEcho(conn);
  },

  "path listens on a unix socket and removes its file": async (t) => {
    const path = join(t.context.fixtures.directory, "a b:c.sock");
    const server = await t.serve({ ...echo, unix: path });
    assert.equal(server.port, 0);
    const byUrl = await t.connect(server.url);
    assert.equal(byUrl.url, server.url);
    const byOption = await t.connect("ws://a.example/chat?x", { unix: path });
    assert.equal(byOption.url, "ws://a.example/chat?x");
    for (const conn of [byUrl, byOption]) {
      assert.equal(conn.remoteAddress, "");
      await assertEcho(conn);
    }
    const raw = await RawSocket.open({ path });
    t.context.after(() => raw.destroy());
    assert.equal((await raw.upgrade()).status, 101);
    await server.shutdown({ timeout: 0 });
    assert.equal(existsSync(path), false);
  },

  "two servers share a port with reusePort, where supported": async (t) => {
    if (!hasCapability(t.context.runtime, "reusePort")) {
      await assert.rejects(serve({ reusePort: true }), { name: "TypeError", message: /reusePort/ });
      return;
    }
    const first = await t.serve({ ...echo, reusePort: true });
    const second = await t.serve({ ...echo, reusePort: true, port: first.port });
    assert.equal(second.port, first.port);
    await assertEcho(await t.connect(second.url));
  },

  "denoSockets selects the sockets on Deno and has no effect elsewhere": async (t) => {
    const { cert, key } = t.context.fixtures.certificates;
    const tls = t.context.runtime === "deno" ? [undefined, { cert, key }] : [undefined];
    for (const denoSockets of ["node:net", "Deno.listen"] as const) {
      for (const secure of tls) {
        const server = await t.serve({ ...echo, denoSockets, tls: secure });
        const trust = { caCerts: [t.context.fixtures.certificates.ca] };
        await assertEcho(await t.connect(server.url, secure && { tls: trust }));
      }
    }
  },

  "accepts the option backlog": async (t) => {
    const server = await t.serve({ ...echo, backlog: 16 });
    await assertEcho(await t.connect(server.url));
  },

  "tls makes it a wss server": async (t) => {
    const { ca, cert, key } = t.context.fixtures.certificates;
    const server = await t.serve({ ...echo, tls: { cert, key } });
    assert.equal(server.url, `wss://127.0.0.1:${server.port}/`);
    const conn = await t.connect(server.url, { tls: { caCerts: [ca] } });
    assert.equal([...server.clients()][0].url, server.url);
    await assertEcho(conn);
  },

  "a TLS server survives clients that do not use TLS": async (t) => {
    const { ca, cert, key } = t.context.fixtures.certificates;
    const server = await t.serve({ ...echo, tls: { cert, key } });
    const raw = await t.rawClient(server);
    raw.send(upgradeRequest());
    await raw.until(() => raw.ended || raw.isClosed);
    await assertEcho(await t.connect(server.url, { tls: { caCerts: [ca] } }));
  },

  "accepts noDelay and readBufferSize on both sides": async (t) => {
    for (const noDelay of [true, false]) {
      const server = await t.serve({ ...echo, noDelay, readBufferSize: 512 });
      const conn = await t.connect(server.url, { noDelay, readBufferSize: 65536 });
      await assertEcho(conn);
      const large = "x".repeat(100_000);
      conn.send(large);
      assert.equal((await conn[Symbol.asyncIterator]().next()).value, large);
    }
  },
});

const limitCases = liveCases({
  "maxConnections: answers 503 until a connection closes": async (t) => {
    const server = await t.serve({ ...echo, maxConnections: 2 });
    const [first] = (await clients(t, server.url, 2)).connections;
    await assert.rejects(
      t.connect(server.url),
      (error) => error instanceof HandshakeError && error.status === 503,
    );
    const far = [...server.clients()];
    first.close();
    await Promise.race(far.map((conn) => conn.closed));
    await assertEcho(await t.connect(server.url));
  },

  "maxHandshakeSize: answers a longer request with 431": async (t) => {
    const server = await t.serve({ maxHandshakeSize: 1024 });
    const long = `X-Long: ${"x".repeat(1024)}`;
    const raw = await t.rawClient(server);
    assert.equal((await raw.upgrade([long])).status, 431);
    await raw.until(() => raw.ended || raw.isClosed);
    const other = await t.rawClient(await t.serve());
    assert.equal((await other.upgrade([long])).status, 101, "the default is 16 KiB");
  },

  "handshakeTimeout: a client with an unfinished request gets 408 and is disconnected": async (
    t,
  ) => {
    const server = await t.serve({ handshakeTimeout: 100 });
    const silent = await t.rawClient(server);
    const slow = await t.rawClient(server);
    slow.send(upgradeRequest().slice(0, -2));
    for (const raw of [silent, slow]) {
      assert.equal((await raw.answer()).status, 408);
      await raw.until(() => raw.ended || raw.isClosed);
    }
  },

  "handshakeTimeout disconnects a silent client of a TLS server": async (t) => {
    const { cert, key } = t.context.fixtures.certificates;
    const server = await t.serve({ handshakeTimeout: 50, tls: { cert, key } });
    const silent = await t.rawClient(server);
    await silent.until(() => silent.ended || silent.isClosed);
    await server.shutdown();
  },

  "handshakeTimeout: answers 503 when the hook does not return": async (t) => {
    const server = await t.serve({
      handshakeTimeout: 100,
      upgrade: () => new Promise<void>(() => {}),
    });
    const raw = await t.rawClient(server);
    assert.equal((await raw.upgrade()).status, 503);
  },

  "handshakeTimeout does not apply to open connections": async (t) => {
    const server = await t.serve({ ...echo, handshakeTimeout: 50 });
    const conn = await t.connect(server.url);
    const silent = await t.rawClient(server);
    assert.equal((await silent.answer()).status, 408, "the timeout has passed");
    await assertEcho(conn);
  },
});

const memberCases = liveCases({
  "connections and clients() list open connections": async (t) => {
    const server = await t.serve();
    assert.equal(server.connections, 0);
    assert.deepEqual([...server.clients()], []);
    const { connections } = await clients(t, server.url, 3);
    assert.equal(server.connections, 3);
    const far = [...server.clients()];
    assert.equal(new Set(far).size, 3);
    connections[0].close();
    await Promise.race(far.map((conn) => conn.closed));
    assert.equal(server.connections, 2);
    assert.ok([...server.clients()].every((conn) => conn.readyState === "open"));
  },

  "broadcast reaches all but the excluded connection and returns the count": async (t) => {
    const server = await t.serve();
    const { messages } = await clients(t, server.url, 3);
    const [except] = server.clients();
    assert.equal(server.broadcast("to all"), 3);
    assert.equal(server.broadcast("to two", { except }), 2);
    assert.equal(server.broadcast(Uint8Array.of(1, 2, 3)), 3);
    assert.equal(server.broadcast(Uint8Array.of(4).buffer), 3);
    assert.equal(server.broadcast(prepareMessage("prepared")), 3);
    const all = ["to all", "to two", Uint8Array.of(1, 2, 3), Uint8Array.of(4), "prepared"];
    const withoutSecond = all.filter((data) => data !== "to two");
    const seen = await Promise.all(messages.map((queue) => queue.atLeast(4)));
    const last = (queue: Message[]): boolean => queue.at(-1) === "prepared";
    for (const [i, queue] of seen.entries()) {
      if (!last(queue)) await messages[i].atLeast(5);
      assert.deepEqual(queue, queue.includes("to two") ? all : withoutSecond);
    }
    assert.equal(seen.filter((queue) => queue.includes("to two")).length, 2);
  },

  "broadcast counts open connections only": async (t) => {
    const server = await t.serve();
    const { connections, messages } = await clients(t, server.url, 2);
    [...server.clients()][0].close();
    assert.equal(server.broadcast("any subscribers?"), 1);
    await Promise.race(connections.map((conn) => conn.closed));
    const received = messages.flatMap((queue) => queue.all);
    if (received.length === 0) await Promise.race(messages.map((queue) => queue.atLeast(1)));
    assert.equal(messages.flatMap((queue) => queue.all).length, 1);
  },

  "shutdown closes with 1001, rejects new clients, and waits": async (t) => {
    const ends: CloseInfo[] = [];
    const server = await t.serve({ close: (_, info) => void ends.push(info) });
    const near = await clients(t, server.url, 3);
    await server.shutdown();
    assert.equal(server.connections, 0);
    assert.deepEqual(
      ends.map(({ code, clean, initiator }) => ({ code, clean, initiator })),
      Array(3).fill({ code: 1001, clean: true, initiator: "local" }),
    );
    for (const queue of near.ends) {
      const { code, clean, initiator } = await queue.next();
      assert.deepEqual({ code, clean, initiator }, {
        code: 1001,
        clean: true,
        initiator: "remote",
      });
    }
    await assert.rejects(
      t.connect(server.url),
      (error) => error instanceof ConnectionError && error.code === "CONNECT_FAILED",
    );
  },

  "shutdown disconnects peers that do not answer within its timeout": async (t) => {
    const { server, conn, peer } = await t.accept();
    const finished = server.shutdown({ timeout: 50 });
    assert.deepEqual((await peer.frame())!.payload, closePayload(1001));
    await finished;
    assert.equal((await conn.closed).clean, false);
    await peer.until(() => peer.ended || peer.isClosed);
  },

  "shutdown's timeout also disconnects rejected clients that stay connected": async (t) => {
    const server = await t.serve({ upgrade: () => ({ status: 403 }) });
    const raw = await t.rawClient(server);
    assert.equal((await raw.upgrade()).status, 403);
    const began = performance.now();
    await server.shutdown({ timeout: 0 });
    const took = performance.now() - began;
    assert.ok(took < 1500, `it took ${took} ms`);
  },

  "shutdown answers a pending opening handshake with 503": async (t) => {
    const deciding = new Deferred<void>();
    const server = await t.serve({
      upgrade: () => {
        deciding.resolve();
        return new Promise<void>(() => {});
      },
    });
    const raw = await t.rawClient(server);
    raw.send(upgradeRequest());
    await deciding.promise;
    const finished = server.shutdown();
    assert.equal((await raw.answer()).status, 503);
    raw.end();
    await finished;
  },

  "finished resolves when the last connection has closed": async (t) => {
    const { server, conn, peer } = await t.accept();
    let finished = false;
    const finish = server.finished.then(() => finished = true);
    server.shutdown();
    const close = await peer.frame();
    assert.equal(close!.opcode, CLOSE);
    assert.equal(finished, false);
    peer.send({ opcode: CLOSE, payload: closePayload(1001) });
    peer.end();
    await finish;
    assert.equal(conn.readyState, "closed");
  },

  "a second shutdown waits for the first": async (t) => {
    const server = await t.serve();
    await clients(t, server.url, 1);
    await Promise.all([server.shutdown(), server.shutdown(), server.finished]);
    assert.equal(server.connections, 0);
  },

  "signal shuts the server down": async (t) => {
    const controller = new AbortController();
    const server = await t.serve({ signal: controller.signal });
    const { ends } = await clients(t, server.url, 1);
    controller.abort();
    await server.finished;
    assert.equal((await ends[0].next()).code, 1001);
  },

  "an aborted signal prevents the server from starting": async () => {
    const reason = new Error("not today");
    await assert.rejects(serve({ signal: AbortSignal.abort(reason) }), reason);
  },

  "`await using` shuts the server down": async (t) => {
    let ends: Queue<CloseInfo>[];
    {
      await using server = await serve(echo);
      const near = await clients(t, server.url, 1);
      ends = near.ends;
    }
    assert.equal((await ends[0].next()).code, 1001);
  },
});

export const cases: Cases = { ...addressCases, ...limitCases, ...memberCases };
