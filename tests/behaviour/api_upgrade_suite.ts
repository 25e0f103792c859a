// How a server handles requests: origins, the `upgrade` hook, subprotocols, and plain HTTP.

import assert from "node:assert/strict";
import {
  type CloseInfo,
  type Connection,
  HandshakeError,
  type Message,
  type ServeOptions,
  type UpgradeDecision,
  type UpgradeRequest,
} from "../../mod.ts";
import { ConsoleWatch } from "../support/console.ts";
import { Deferred, type Live, liveCases, Queue } from "../support/live_harness.ts";
import type { RawSocket } from "../support/raw_socket.ts";
import { upgradeRequest } from "../support/raw_peer.ts";
import { TEXT } from "../support/vectors.ts";
import type { Cases } from "./harness.ts";

interface Answer {
  status: number;
  headers: Headers;
  body: string;
}

/** Sends an upgrade request with additional header lines, and returns the response. */
async function ask<T>(
  t: Live,
  options: ServeOptions<T>,
  ...lines: string[]
): Promise<Answer> {
  return await answerOf(await t.rawClient(await t.serve(options)), upgradeRequest(lines));
}

async function answerOf(raw: RawSocket, request: string): Promise<Answer> {
  raw.send(request);
  const { status, headers } = await raw.answer();
  let body = "";
  if (status !== 101) {
    // A runtime's own server may keep the connection open for the next request.
    const length = Number(headers.get("content-length") ?? Infinity);
    await raw.until(() => raw.isClosed || raw.ended || raw.bytes.length >= length);
    body = raw.text;
  }
  raw.end();
  return { status, headers, body };
}

/** Records the errors that `onError` receives. */
function errors(): { queue: Queue<unknown>; onError: (error: unknown) => void } {
  const queue = new Queue<unknown>();
  return { queue, onError: queue.push };
}

const originCases = liveCases({
  'origins "same", the default, requires the host of the request, and the rejection names the option':
    async (t) => {
      assert.equal((await ask(t, {}, "Origin: http://a.example")).status, 101);
      const { status, body } = await ask(t, {}, "Origin: http://evil.example");
      assert.equal(status, 403);
      assert.match(body, /http:\/\/evil\.example/);
      assert.match(body, /`allowedOrigins`/);
      assert.equal((await ask(t, {}, "Origin: null")).status, 403);
      assert.equal((await ask(t, {}, "Origin: http://a.example.evil.example")).status, 403);
    },

  "accepts clients without Origin, with any value of origins": async (t) => {
    assert.equal((await ask(t, { allowedOrigins: [] })).status, 101);
  },

  'origins "any" accepts pages of every origin': async (t) => {
    assert.equal(
      (await ask(t, { allowedOrigins: "any" }, "Origin: http://evil.example")).status,
      101,
    );
  },

  "a list of origins is exhaustive": async (t) => {
    const options: ServeOptions = {
      allowedOrigins: ["https://app.example", "http://localhost:8080"],
    };
    assert.equal((await ask(t, options, "Origin: https://app.example")).status, 101);
    assert.equal((await ask(t, options, "Origin: http://localhost:8080")).status, 101);
    assert.equal((await ask(t, options, "Origin: http://app.example")).status, 403);
    assert.equal((await ask(t, options, "Origin: http://a.example")).status, 403);
  },

  "an origins function receives the origin and the request": async (t) => {
    const asked: Array<[string, string]> = [];
    const options: ServeOptions = {
      allowedOrigins(origin, request) {
        asked.push([origin, request.url]);
        return origin === "https://app.example";
      },
    };
    assert.equal((await ask(t, options, "Origin: https://app.example")).status, 101);
    assert.equal((await ask(t, options, "Origin: https://other.example")).status, 403);
    assert.deepEqual(asked, [
      ["https://app.example", "ws://a.example/chat"],
      ["https://other.example", "ws://a.example/chat"],
    ]);
  },

  "the server receives the client's option origin": async (t) => {
    const server = await t.serve({ allowedOrigins: ["https://app.example"] });
    await t.connect(server.url, { origin: "https://app.example" });
    await assert.rejects(
      t.connect(server.url, { origin: "https://other.example" }),
      (error) => error instanceof HandshakeError && error.status === 403,
    );
  },
});

const hookCases = liveCases({
  "upgrade receives method, URL, header fields, address and subprotocols": async (t) => {
    const seen = new Deferred<UpgradeRequest>();
    const server = await t.serve({ upgrade: (request) => void seen.resolve(request) });
    await t.connect(new URL("/chat?room=1", server.url), {
      headers: { Cookie: "session=1" },
      subprotocols: ["v2", "v1"],
    });
    const request = await seen.promise;
    assert.equal(request.method, "GET");
    assert.equal(request.url, `${server.url}chat?room=1`);
    assert.equal(request.headers.get("cookie"), "session=1");
    assert.equal(request.remoteAddress, "127.0.0.1");
    assert.deepEqual(request.subprotocols, ["v2", "v1"]);
  },

  "a hook that returns undefined accepts, synchronously or asynchronously": async (t) => {
    assert.equal((await ask(t, { upgrade: () => {} })).status, 101);
    assert.equal((await ask(t, { upgrade: () => Promise.resolve() })).status, 101);
  },

  "a hook can reject with any status, header fields and body, synchronously or asynchronously":
    async (t) => {
      const refusal = {
        status: 401,
        headers: { "WWW-Authenticate": "Bearer", "X-Why": "no token" },
        body: "Please log in",
      };
      for (const upgrade of [() => refusal, () => Promise.resolve(refusal)]) {
        const { status, headers, body } = await ask(t, { upgrade });
        assert.equal(status, 401);
        assert.equal(headers.get("www-authenticate"), "Bearer");
        assert.equal(headers.get("x-why"), "no token");
        assert.equal(headers.get("content-length"), "13");
        assert.equal(body, "Please log in");
      }
      const bytes = await ask(t, {
        upgrade: () => ({ status: 404, body: Uint8Array.of(110, 111) }),
      });
      assert.deepEqual([bytes.status, bytes.body], [404, "no"]);
    },

  "a hook can accept with a subprotocol, header fields and data": async (t) => {
    const opened = new Deferred<Connection<{ user: string }>>();
    const server = await t.serve<{ user: string }>({
      subprotocols: ["v1", "v2"],
      upgrade: () =>
        Promise.resolve({
          subprotocol: "v2",
          headers: [["Set-Cookie", "seen=1"]],
          data: { user: "ada" },
        }),
      open: (conn) => opened.resolve(conn),
    });
    const near = await t.connect(server.url, { subprotocols: ["v1", "v2"] });
    assert.equal(near.protocol, "v2");
    assert.equal(near.handshake.headers.get("set-cookie"), "seen=1");
    const far = await opened.promise;
    assert.equal(far.protocol, "v2");
    assert.deepEqual(far.data, { user: "ada" });
  },

  "a hook can give a connection its own handlers": async (t) => {
    const calls = new Queue<string>();
    const handlers = (name: string): ServeOptions => ({
      open: () => calls.push(`${name} opened`),
      message: (_, data) => calls.push(`${name} got ${data}`),
      close: () => calls.push(`${name} closed`),
    });
    const server = await t.serve({
      ...handlers("shared"),
      upgrade: (request) =>
        request.url.endsWith("/own") ? { handlers: handlers("own") } : undefined,
    });
    for (const path of ["/own", "/"]) {
      const conn = await t.connect(new URL(path, server.url));
      conn.send("hello");
      conn.close();
      await conn.closed;
    }
    assert.deepEqual(await calls.atLeast(6), [
      ...["own opened", "own got hello", "own closed"],
      ...["shared opened", "shared got hello", "shared closed"],
    ]);
  },

  "keeps bytes that a client sends while the hook is pending": async (t) => {
    const decision = new Deferred<void>();
    const asked = new Deferred<void>();
    const messages = new Queue<Message>();
    const server = await t.serve({
      async upgrade() {
        asked.resolve();
        await decision.promise;
      },
      message: (_, data) => messages.push(data),
    });
    const raw = await t.rawClient(server);
    raw.send(upgradeRequest(), { opcode: TEXT, payload: "with the request" });
    await asked.promise;
    raw.send({ opcode: TEXT, payload: "behind it" });
    decision.resolve();
    assert.equal((await raw.answer()).status, 101);
    assert.deepEqual(await messages.atLeast(2), ["with the request", "behind it"]);
  },

  "answers 500 and calls onError when a hook throws or rejects": async (t) => {
    const failure = new Error("no database");
    const { queue, onError } = errors();
    const fail = (): never => {
      throw failure;
    };
    assert.equal((await ask(t, { onError, upgrade: fail })).status, 500);
    assert.equal((await ask(t, { onError, upgrade: () => Promise.reject(failure) })).status, 500);
    assert.equal(
      (await ask(t, { onError, allowedOrigins: fail }, "Origin: http://a.example")).status,
      500,
    );
    assert.deepEqual(queue.all, [failure, failure, failure]);
  },

  "answers 500 when a hook returns an invalid value, and onError receives a TypeError that shows it":
    async (t) => {
      const wrong: Array<[unknown, RegExp]> = [
        ["yes", /result of upgrade/i],
        [{ statuss: 401 }, /statuss/],
        [{ status: 99 }, /99/],
        [{ handlers: { mesage: () => {} } }, /mesage/],
        [{ subprotocol: "not offered" }, /not offered/],
        [{ headers: { "Bad Name": "x" } }, /Bad Name/i],
      ];
      for (const [decision, message] of wrong) {
        const { queue, onError } = errors();
        const upgrade = (): UpgradeDecision<undefined> => decision as UpgradeDecision<undefined>;
        assert.equal((await ask(t, { onError, upgrade })).status, 500, JSON.stringify(decision));
        const error = await queue.next();
        assert.ok(error instanceof TypeError || error instanceof RangeError, String(error));
        assert.match(error.message, message);
      }
    },

  "releases a rejected client that disconnects before or after the hook returns": async (
    t,
  ) => {
    const refusals: Array<ServeOptions["upgrade"]> = [
      () => ({ status: 403 }),
      () => Promise.resolve({ status: 403 }),
      () => Promise.reject(new Error("no database")),
    ];
    for (const upgrade of refusals) {
      const server = await t.serve({ upgrade, onError: () => {} });
      const raw = await t.rawClient(server);
      assert.ok((await raw.upgrade()).status >= 403);
      raw.end();
      const began = performance.now();
      await server.shutdown();
      const took = performance.now() - began;
      assert.ok(took < 1500, `it took ${took} ms`);
    }
  },

  "subprotocols: the server's order decides, and no match selects none": async (t) => {
    const options: ServeOptions = { subprotocols: ["v3", "v2"] };
    const two = await ask(t, options, "Sec-WebSocket-Protocol: v1, v2, v3");
    assert.equal(two.headers.get("sec-websocket-protocol"), "v3");
    const none = await ask(t, options, "Sec-WebSocket-Protocol: v1");
    assert.equal(none.status, 101);
    assert.equal(none.headers.get("sec-websocket-protocol"), null);
  },
});

const plainCases = liveCases({
  "answers a plain request with 426 without fetch": async (t) => {
    const server = await t.serve();
    const raw = await t.rawClient(server);
    const answer = await answerOf(raw, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    assert.equal(answer.status, 426);
    assert.equal(answer.headers.get("upgrade"), "websocket");
    assert.equal(answer.headers.get("sec-websocket-version"), "13");
  },

  "fetch answers plain requests beside WebSockets": async (t) => {
    const server = await t.serve({
      message: (conn, data) => void conn.send(data),
      async fetch(request) {
        const { pathname } = new URL(request.url);
        await Promise.resolve();
        return new Response(`${request.method} ${pathname} ${request.headers.get("x-test")}`, {
          status: pathname === "/health" ? 200 : 404,
          headers: { "X-Server": "quickws" },
        });
      },
    });
    const conn = await t.connect(server.url);
    for (const [path, status] of [["health", 200], ["other", 404]] as const) {
      const response = await fetch(`http://127.0.0.1:${server.port}/${path}`, {
        headers: { "X-Test": "yes" },
      });
      assert.equal(response.status, status);
      assert.equal(response.headers.get("x-server"), "quickws");
      assert.equal(await response.text(), `GET /${path} yes`);
    }
    conn.send("still here");
    assert.equal((await conn[Symbol.asyncIterator]().next()).value, "still here");
  },

  "fetch: omits the body for HEAD and rejects a request with a body": async (t) => {
    const options: ServeOptions = { fetch: () => new Response("a page") };
    const head = await answerOf(
      await t.rawClient(await t.serve(options)),
      "HEAD / HTTP/1.1\r\nHost: a.example\r\n\r\n",
    );
    assert.deepEqual([head.status, head.headers.get("content-length"), head.body], [200, "6", ""]);
    const post = await answerOf(
      await t.rawClient(await t.serve(options)),
      "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\nhi",
    );
    assert.equal(post.status, 400);
  },

  "answers 500 and calls onError when fetch throws or rejects": async (t) => {
    const failure = new Error("no page");
    const { queue, onError } = errors();
    const failing: Array<() => Promise<Response>> = [
      () => Promise.reject(failure),
      () => {
        throw failure;
      },
    ];
    for (const fetch of failing) {
      const raw = await t.rawClient(await t.serve({ onError, fetch }));
      const answer = await answerOf(raw, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
      assert.equal(answer.status, 500);
      assert.doesNotMatch(answer.body, /no page/, "the response hides the error");
    }
    assert.deepEqual(await queue.atLeast(2), [failure, failure]);
  },

  "logs errors to the console without onError, and the server continues": async (t) => {
    const watch = new ConsoleWatch();
    t.context.after(() => watch.end());
    const failure = new Error("an unhandled error");
    const server = await t.serve({
      upgrade(request) {
        if (request.url.endsWith("/fail")) throw failure;
      },
      close() {
        throw failure;
      },
    });
    await assert.rejects(t.connect(`${server.url}fail`), HandshakeError);
    const conn = await t.connect(server.url);
    conn.close();
    await conn.closed;
    await server.shutdown();
    watch.end();
    assert.deepEqual(watch.logged, [[failure], [failure]]);
  },

  "onError is also called if a close handler fails": async (t) => {
    const { queue, onError } = errors();
    const failure = new Error("in close");
    const ends: CloseInfo[] = [];
    const server = await t.serve({
      onError,
      close(_, info) {
        ends.push(info);
        throw failure;
      },
    });
    const conn = await t.connect(server.url);
    conn.close();
    assert.equal(await queue.next(), failure);
    assert.equal(ends.length, 1);
    assert.equal(ends[0].clean, true);
  },
});

export const cases: Cases = { ...originCases, ...hookCases, ...plainCases };
