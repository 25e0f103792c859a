// Opening connections with `connect`, and its failures.

import assert from "node:assert/strict";
import {
  type Connection,
  ConnectionError,
  type ConnectOptions,
  HandshakeError,
  type LimitReport,
  serve,
  type ServeOptions,
  TimeoutError,
  type Transport,
  type UpgradeRequest,
} from "../../mod.ts";
import { block } from "../support/block.ts";
import { connect, Deferred, type Live, liveCases, Queue } from "../support/live_harness.ts";
import { TEXT, utf8 } from "../support/vectors.ts";
import type { Cases } from "./harness.ts";

const echo: ServeOptions = { message: (conn, data) => void conn.send(data) };

/** Connects and returns the request that the server receives. */
async function requestOf(
  t: Live,
  options: ConnectOptions,
  url: (server: string) => string | URL = (server) => server,
): Promise<UpgradeRequest> {
  const seen = new Deferred<UpgradeRequest>();
  const server = await t.serve({ upgrade: (request) => void seen.resolve(request) });
  await t.connect(url(server.url), options);
  return await seen.promise;
}

/** Returns the error of connect when a server responds with these lines. */
async function refusedWith(t: Live, ...lines: string[]): Promise<HandshakeError> {
  const server = await t.rawServer();
  const connecting = t.connect(server.url);
  const refused = connecting.then(() => undefined, (error: unknown) => error);
  const peer = await server.accept();
  await peer.head();
  peer.send(lines.join("\r\n"));
  peer.end();
  const error = await refused;
  assert.ok(error instanceof HandshakeError, String(error));
  await peer.until(() => peer.ended || peer.isClosed);
  return error;
}

/** Encodes each character as one byte. */
function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

async function assertEcho(conn: Connection<undefined>): Promise<void> {
  conn.send("echo?");
  assert.deepEqual(await conn[Symbol.asyncIterator]().next(), { done: false, value: "echo?" });
}

const requestCases = liveCases({
  "accepts a reason phrase in Latin-1 or UTF-8 in a rejection (RFC 9112 4)": async (t) => {
    for (const encode of [utf8, latin1]) {
      const server = await t.rawServer();
      const refused = t.connect(server.url).then(() => undefined, (error: unknown) => error);
      const peer = await server.accept();
      await peer.head();
      peer.send(encode("HTTP/1.1 503 Nicht verf\u00fcgbar\r\nContent-Length: 0\r\n\r\n"));
      const error = await refused;
      assert.ok(error instanceof HandshakeError, String(error));
      assert.equal(error.status, 503);
      assert.match(error.message, /^The server answered 503 Nicht verf\u00fcgbar, not 101/);
    }
  },

  "sends headers in each form of the web's Headers": async (t) => {
    const forms = [
      { Cookie: "a=1", "X-Test": "yes" },
      [["Cookie", "a=1"], ["X-Test", "yes"]] as const,
      new Headers({ Cookie: "a=1", "X-Test": "yes" }),
    ];
    for (const headers of forms) {
      const request = await requestOf(t, { headers });
      assert.equal(request.headers.get("cookie"), "a=1");
      assert.equal(request.headers.get("x-test"), "yes");
    }
  },

  "sends Origin only when it is given": async (t) => {
    assert.equal((await requestOf(t, {})).headers.get("origin"), null);
    const options: ConnectOptions = { origin: "http://a.example" };
    const { peer, request } = await t.openClient(options);
    assert.match(request, /\r\nOrigin: http:\/\/a\.example\r\n/);
    peer.destroy();
  },

  "requests the path and query of the URL, and accepts a URL object": async (t) => {
    const url = (server: string): URL => new URL("/a/b?c=d&e=%20", server);
    assert.equal(new URL((await requestOf(t, {}, url)).url).pathname, "/a/b");
    assert.match((await requestOf(t, {}, url)).url, /\/a\/b\?c=d&e=%20$/);
  },

  "accepts http: and https: as ws: and wss:": async (t) => {
    const server = await t.serve(echo);
    const conn = await t.connect(server.url.replace("ws:", "http:"));
    assert.equal(conn.url, server.url);
    await assertEcho(conn);
  },

  "sends the URL's user and password as Basic credentials and does not expose them": async (t) => {
    const request = await requestOf(t, {}, (server) => server.replace("//", "//ada:l%40ve@"));
    assert.equal(request.headers.get("authorization"), `Basic ${btoa("ada:l@ve")}`);
    const server = await t.serve();
    const conn = await t.connect(server.url.replace("//", "//ada:love@"));
    assert.equal(conn.url, server.url);
  },

  "offers subprotocols in order, and sets the server's choice on the connection": async (t) => {
    const server = await t.serve({ subprotocols: ["v2"] });
    const conn = await t.connect(server.url, { subprotocols: ["v1", "v2"] });
    assert.equal(conn.protocol, "v2");
    const none = await t.connect(server.url);
    assert.equal(none.protocol, "");
  },

  "data is the initial value of connection.data": async (t) => {
    const server = await t.serve();
    const conn = await t.connect<{ user: string }>(server.url, {
      data: { user: "ada" },
      open: (opened) => assert.equal(opened.data.user, "ada"),
    });
    assert.deepEqual(conn.data, { user: "ada" });
  },

  "handshake contains the server's response": async (t) => {
    const server = await t.serve({
      subprotocols: ["chat"],
      upgrade: () => ({ headers: { "X-Server": "one" } }),
    });
    const conn = await t.connect(`${server.url}room`, { subprotocols: ["chat"] });
    const { url, status, headers, protocol, extensions } = conn.handshake;
    assert.deepEqual(
      { url, status, protocol, extensions },
      { url: `${server.url}room`, status: 101, protocol: "chat", extensions: "" },
    );
    assert.equal(headers.get("x-server"), "one");
    assert.equal(headers.get("upgrade"), "websocket");
    assert.equal(headers.has("x-other"), false);
    assert.equal(new Headers([...headers]).get("X-Server"), "one");
    assert.deepEqual([conn.url, conn.protocol, conn.extensions], [url, "chat", ""]);
  },

  "bytes above ASCII in unrelated fields are opaque (RFC 9110 5.5)": async (t) => {
    const server = await t.rawServer();
    const connecting = t.connect(server.url);
    const peer = await server.accept();
    await peer.acceptUpgrade(["Set-Cookie: city=M\u00fcnchen", "Server: \u00a9"]);
    const { headers } = (await connecting).handshake;
    // Each byte of the peer's UTF-8 becomes one character, as in `fetch`.
    assert.equal(headers.get("set-cookie"), "city=M\u00c3\u00bcnchen");
    assert.equal(new Headers([...headers]).get("server"), "\u00c2\u00a9");
  },

  "headers may be a sync or async function, and host overrides the Host field": async (t) => {
    let calls = 0;
    const request = await requestOf(t, {
      host: "chat.example:8443",
      headers: () => Promise.resolve({ Authorization: `Bearer ${++calls}` }),
    });
    assert.equal(request.headers.get("authorization"), "Bearer 1");
    assert.equal(request.headers.get("host"), "chat.example:8443");
    const refused = t.connect("ws://127.0.0.1:1/", {
      headers: () => Promise.reject(new Error("no token")),
    });
    await assert.rejects(refused, { message: "no token" });
  },

  "handshakeTimeout and signal cover headers that never resolve": async (t) => {
    const headers = (): Promise<Headers> => new Promise(() => {});
    const late = t.connect("ws://127.0.0.1:1/", { headers, handshakeTimeout: 1 });
    await assert.rejects(late, { code: "HANDSHAKE_TIMEOUT" });
    const controller = new AbortController();
    const stopped = t.connect("ws://127.0.0.1:1/", { headers, signal: controller.signal });
    controller.abort(new Error("enough"));
    await assert.rejects(stopped, { message: "enough" });
  },

  "maxHandshakeSize limits the head of the response": async (t) => {
    const server = await t.rawServer();
    const connecting = t.connect(server.url, { maxHandshakeSize: 512 });
    connecting.catch(() => {});
    const peer = await server.accept();
    await peer.acceptUpgrade([`X: ${"x".repeat(512)}`]);
    await assert.rejects(connecting, { code: "HEAD_TOO_LARGE" });
  },

  "delivers frames that the server sends right after its response": async (t) => {
    const behind = ["one", "two"].map((payload) => ({ opcode: TEXT, payload }));
    const { conn } = await t.openClient({}, ...behind);
    const messages = conn[Symbol.asyncIterator]();
    assert.deepEqual((await messages.next()).value, "one");
    assert.deepEqual((await messages.next()).value, "two");
  },
});

const wayCases = liveCases({
  "trusts tls.caCerts and rejects an unknown authority": async (t) => {
    const { ca, cert, key } = t.context.fixtures.certificates;
    const server = await t.serve({ ...echo, tls: { cert, key } });
    const conn = await t.connect(server.url, { tls: { caCerts: [ca] } });
    assert.equal(conn.url, server.url);
    await assertEcho(conn);
    await assert.rejects(
      t.connect(server.url),
      (error) => error instanceof ConnectionError && error.code === "CONNECT_FAILED",
    );
  },

  "wss: checks a host name and an IPv6 address against the certificate": async (t) => {
    const { ca, cert, key } = t.context.fixtures.certificates;
    for (const [hostname, host] of [["127.0.0.1", "localhost"], ["::1", "[::1]"]]) {
      const server = await t.serve({ ...echo, hostname, tls: { cert, key } });
      const url = `wss://${host}:${server.port}/`;
      await assertEcho(await t.connect(url, { tls: { caCerts: [ca] } }));
    }
  },

  "checks tls.serverName instead of the host": async (t) => {
    const { ca, cert, key } = t.context.fixtures.certificates;
    const server = await t.serve({ ...echo, hostname: "127.0.0.2", tls: { cert, key } });
    await assert.rejects(t.connect(server.url, { tls: { caCerts: [ca] } }), ConnectionError);
    const tls = { caCerts: [ca], serverName: "localhost" };
    await assertEcho(await t.connect(server.url, { tls }));
  },

  "tls.rejectUnauthorized false accepts any certificate": async (t) => {
    const { cert, key } = t.context.fixtures.certificates;
    const server = await t.serve({ ...echo, tls: { cert, key } });
    await assertEcho(await t.connect(server.url, { tls: { rejectUnauthorized: false } }));
  },

  "dial supplies any stream, and receives the address": async (t) => {
    const server = await t.serve(echo);
    const asked: unknown[] = [];
    const conn = await t.connect("ws://far.example:99/", {
      dial(address) {
        const { hostname, port, tls } = address;
        asked.push({ hostname, port, tls });
        return t.context.network.dial({ ...address, hostname: "127.0.0.1", port: server.port });
      },
    });
    assert.deepEqual(asked, [{ hostname: "far.example", port: 99, tls: undefined }]);
    assert.equal([...server.clients()][0].url, "ws://far.example:99/");
    await assertEcho(conn);
  },

  "dial receives the TLS options, and its error becomes the cause": async () => {
    const asked = new Queue<unknown>();
    const failure = new Error("no carrier");
    const dial = (
      { hostname, port, tls }: { hostname: string; port: number; tls?: unknown },
    ): Promise<Transport> => {
      asked.push({ hostname, port, tls });
      return Promise.reject(failure);
    };
    await assert.rejects(
      connect("wss://[::1]/", { dial, tls: { serverName: "localhost" } }),
      (error) =>
        error instanceof ConnectionError && error.code === "CONNECT_FAILED" &&
        error.cause === failure && error.message.includes("no carrier"),
    );
    const address = { hostname: "::1", port: 443, tls: { serverName: "localhost" } };
    assert.deepEqual(asked.all, [address]);
  },

  "connects directly if the proxy function returns undefined": async (t) => {
    const server = await t.serve(echo);
    const asked: string[] = [];
    const proxy = (url: URL): undefined => void asked.push(url.href);
    await assertEcho(await t.connect(server.url, { proxy }));
    assert.deepEqual(asked, [server.url]);
  },
});

const failureCases = liveCases({
  "no listener: ConnectionError CONNECT_FAILED with the runtime's error as its cause": async () => {
    const server = await serve();
    await server.shutdown();
    await assert.rejects(
      connect(server.url),
      (error) =>
        error instanceof ConnectionError && error.code === "CONNECT_FAILED" &&
        error.cause instanceof Error,
    );
  },

  "a disconnect during the handshake: ConnectionError CONNECTION_LOST": async (t) => {
    const server = await t.rawServer();
    const failed = t.connect(server.url).then(() => undefined, (error: unknown) => error);
    const peer = await server.accept();
    await peer.head();
    peer.end();
    const error = await failed;
    assert.ok(error instanceof ConnectionError, String(error));
    assert.equal(error.code, "CONNECTION_LOST");
  },

  "a rejection is a HandshakeError with status, header fields and the start of the body": async (
    t,
  ) => {
    const error = await refusedWith(
      t,
      "HTTP/1.1 403 Forbidden",
      "Content-Type: text/plain",
      "X-Why: no ticket",
      "",
      "You may not. " + "x".repeat(100_000),
    );
    assert.equal(error.code, "STATUS_UNEXPECTED");
    assert.equal(error.status, 403);
    assert.equal(error.headers!.get("x-why"), "no ticket");
    assert.ok(error.body!.startsWith("You may not. "));
    assert.ok(error.body!.length < 100_000, "the body is truncated");
  },

  "does not follow redirects; the error names the location": async (t) => {
    const error = await refusedWith(
      t,
      "HTTP/1.1 302 Found",
      "Location: ws://elsewhere.example/",
      "Content-Length: 0",
      "",
      "",
    );
    assert.equal(error.status, 302);
    assert.equal(error.headers!.get("location"), "ws://elsewhere.example/");
    assert.match(error.message, /ws:\/\/elsewhere\.example\//);
  },

  "a response that is not HTTP is a HandshakeError": async (t) => {
    const error = await refusedWith(t, "SSH-2.0-OpenSSH_9.6", "", "");
    assert.equal(error.code, "HEAD_MALFORMED");
  },

  "a blocked event loop does not cause a handshake timeout": async (t) => {
    const { network } = t.context;
    const stall = (): void => block(700);
    let whenAsked = (): void => {};
    const server = await t.serve({ upgrade: () => whenAsked() });
    const options = { handshakeTimeout: 300 };
    const open = async (more: ConnectOptions, meanwhile = (): void => {}): Promise<void> => {
      const connecting = t.connect(server.url, { ...options, ...more });
      meanwhile();
      assert.equal((await connecting).readyState, "open");
    };
    await open({}, stall);
    await open({}, () => void setTimeout(stall, 1));
    await open({ headers: () => Promise.resolve().then(stall).then(() => ({})) });
    await open({ dial: (address) => network.dial(address).finally(stall) });
    whenAsked = stall;
    await open({});
    whenAsked = () => void setTimeout(stall);
    await open({});
  },

  "handshakeTimeout covers a server that accepts but does not respond": async (t) => {
    const server = await t.rawServer();
    await assert.rejects(
      t.connect(server.url, { handshakeTimeout: 100 }),
      (error) => error instanceof TimeoutError && error.code === "HANDSHAKE_TIMEOUT",
    );
    const peer = await server.accept();
    await peer.until(() => peer.ended || peer.isClosed);
  },

  "handshakeTimeout covers a TLS handshake without a reply": async (t) => {
    const server = await t.rawServer();
    await assert.rejects(
      t.connect(server.url.replace("ws:", "wss:"), { handshakeTimeout: 100 }),
      (error) => error instanceof TimeoutError && error.code === "HANDSHAKE_TIMEOUT",
    );
  },

  "handshakeTimeout covers a port that does not reply": async (t) => {
    await assert.rejects(
      t.connect(`ws://127.0.0.1:${t.context.fixtures.silentPort}/`, { handshakeTimeout: 100 }),
      (error) => error instanceof TimeoutError && error.code === "HANDSHAKE_TIMEOUT",
    );
  },

  "handshakeTimeout covers a dial that never resolves, and destroys its late stream": async (t) => {
    const server = await t.serve();
    const late = new Deferred<Transport>();
    await assert.rejects(
      t.connect("ws://far.example/", { handshakeTimeout: 50, dial: () => late.promise }),
      TimeoutError,
    );
    const { port } = server;
    const transport = await t.context.network.dial({ hostname: "127.0.0.1", port, noDelay: true });
    const closed = new Deferred<void>();
    transport.start({ data() {}, drain() {}, end() {}, closed: () => closed.resolve() });
    late.resolve(transport);
    await closed.promise;
  },

  "signal rejects with its reason before dialing, while dialing and during the handshake": async (
    t,
  ) => {
    const reason = new Error("changed my mind");
    await assert.rejects(
      t.connect("ws://127.0.0.1:1/", { signal: AbortSignal.abort(reason) }),
      reason,
    );

    const dialing = new AbortController();
    const dialed = t.connect("ws://far.example/", {
      signal: dialing.signal,
      dial: () => new Promise(() => {}),
    });
    dialing.abort(reason);
    await assert.rejects(dialed, reason);

    const server = await t.rawServer();
    const asking = new AbortController();
    const asked = t.connect(server.url, { signal: asking.signal }).then(
      () => undefined,
      (error: unknown) => error,
    );
    const peer = await server.accept();
    await peer.head();
    asking.abort(reason);
    assert.equal(await asked, reason);
    await peer.until(() => peer.ended || peer.isClosed);
  },

  "onLimit receives unreadTimeout, rateLimit and memoryLimit of the client": async (t) => {
    const server = await t.serve({
      open(conn) {
        for (let i = 0; i < 4; i++) conn.send(new Uint8Array(50_000));
      },
    });
    const limits: ConnectOptions[] = [
      { unreadTimeout: 50 },
      { rateLimit: { messages: 2, bytes: 2 ** 30, onExceed: "report" }, message: () => {} },
      { memoryLimit: 40_000 },
    ];
    for (const options of limits) {
      const reports = new Queue<LimitReport>();
      const conn = await t.connect(server.url, { ...options, onLimit: reports.push });
      const { limit, max, enforced, remoteAddress, connection } = await reports.next();
      const [name, value] = Object.entries(options)[0];
      assert.equal(limit, name);
      assert.equal(max, typeof value === "number" ? value : 2);
      assert.equal(enforced, limit !== "rateLimit");
      assert.equal(remoteAddress, conn.remoteAddress);
      assert.equal(connection, conn);
      conn.terminate();
      await conn.closed;
    }
  },

  "signal has no effect on an open connection": async (t) => {
    const server = await t.serve(echo);
    const controller = new AbortController();
    const conn = await t.connect(server.url, { signal: controller.signal });
    controller.abort();
    assert.equal(conn.readyState, "open");
    await assertEcho(conn);
  },
});

export const cases: Cases = { ...requestCases, ...wayCases, ...failureCases };
