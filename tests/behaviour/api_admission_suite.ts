// How a server accepts and rejects requests, and cleans up after clients that disconnect.

import assert from "node:assert/strict";
import type {
  Connection,
  LimitReport,
  Refusal,
  ServeOptions,
  Server,
  UpgradeRequest,
} from "../../mod.ts";
import { block } from "../support/block.ts";
import { Deferred, type Live, liveCases, Queue, settled } from "../support/live_harness.ts";
import { upgradeRequest } from "../support/raw_peer.ts";
import type { RawSocket } from "../support/raw_socket.ts";
import type { Cases } from "./harness.ts";

/** Encodes a request with one byte per character, possibly invalid UTF-8. */
function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Returns a request without an upgrade. */
function plain(path: string, method = "GET"): string {
  return `${method} ${path} HTTP/1.1\r\nHost: a.example\r\n\r\n`;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Sends a request and returns the status of the response. */
async function statusOf<T>(
  t: Live,
  options: ServeOptions<T>,
  request: string | Uint8Array,
): Promise<number> {
  const raw = await t.rawClient(await t.serve(options));
  raw.send(request);
  return (await raw.answer()).status;
}

/** Reads at most this number of bytes per second. Returns the total. */
async function readSlowly(raw: RawSocket, bytesPerSecond: number): Promise<number> {
  raw.discards = true;
  const began = performance.now();
  while (!raw.ended && !raw.isClosed) {
    const allowed = (performance.now() - began) / 1000 * bytesPerSecond;
    if (raw.received > allowed) raw.pause();
    else raw.resume();
    await sleep(5);
  }
  return raw.received;
}

/** Records the rejections that `onRefused` receives. */
function refusals(): {
  queue: Queue<{ request: UpgradeRequest } & Refusal>;
  onRefused: (request: UpgradeRequest, refusal: Refusal) => void;
} {
  const queue = new Queue<{ request: UpgradeRequest } & Refusal>();
  return { queue, onRefused: (request, refusal) => queue.push({ request, ...refusal }) };
}

const requestCases = liveCases({
  "treats obs-text as opaque in fields that the handshake does not use": async (t) => {
    const cookies = new Queue<string | null>();
    const server = await t.serve({
      upgrade: ({ headers }) => cookies.push(headers.get("cookie")),
    });
    for (const cookie of ["sid=1; city=M\xc3\xbcnchen", "city=M\xfcnchen", "x=\x80\x9f\xff"]) {
      const raw = await t.rawClient(server);
      raw.send(latin1(upgradeRequest([`Cookie: ${cookie}`, "X-\x7e: \xe9"])));
      assert.equal((await raw.answer()).status, 101);
      assert.equal(await cookies.next(), cookie);
    }
    for (
      const line of [
        "Sec-WebSocket-Protocol: \xfc",
        "Sec-WebSocket-Extensions: \xfc",
        "Sec-WebSocket-New: \xfc",
        "Upgrade: \xfc",
        "Connection: \xfc",
        "X: \x00",
        "X\xfc: a",
      ]
    ) {
      assert.equal(await statusOf(t, {}, latin1(upgradeRequest([line]))), 400, line);
    }
  },

  "both sides can forward obs-text in headers": async (t) => {
    const server = await t.serve({
      upgrade: ({ headers }) => ({ headers: { "Set-Cookie": headers.get("cookie")! } }),
    });
    const cookie = "city=M\xfcnchen; x=\x80\xff";
    const conn = await t.connect(server.url, { headers: { Cookie: cookie } });
    assert.equal(conn.handshake.headers.get("set-cookie"), cookie);
  },

  "a body that is neither a string nor bytes throws an error": async (
    t,
  ) => {
    const errors = new Queue<unknown>();
    const body: unknown = {};
    const server = await t.serve({
      upgrade: () => ({ status: 403, body: body as string }),
      onError: (error) => errors.push(error),
    });
    const raw = await t.rawClient(server);
    raw.send(latin1(upgradeRequest([])));
    assert.equal((await raw.answer()).status, 500);
    assert.match(
      String(await errors.next()),
      /TypeError: The body of a response must be .*, got a value of type object/,
    );
  },

  "accepts obs-text in a plain request": async (t) => {
    const seen = new Deferred<string | null>();
    const options: ServeOptions = {
      fetch: ({ headers }) => {
        seen.resolve(headers.get("cookie"));
        return new Response("ok");
      },
    };
    const request = plain("/").replace("\r\n\r\n", "\r\nCookie: M\xfcnchen\r\n\r\n");
    assert.equal(await statusOf(t, options, latin1(request)), 200);
    assert.equal(await seen.promise, "M\xfcnchen");
  },

  "rejects a Host that is not valid in a URL with 400 before any hook": async (t) => {
    const asked: string[] = [];
    const options: ServeOptions = {
      upgrade: ({ url }) => void asked.push(new URL(url).host),
      onError: (error) => assert.fail(`onError: ${error}`),
    };
    for (
      const host of [
        ...["h%00.example", "h%41.example", "999.1.1.1", "1.2.3", "0x7f.1", "a.0x"],
        ...["[1:2]", "[::1", "xn--a", "xn--zzzzzz-1.example", "a b", "a:99999", "", "a@b"],
      ]
    ) {
      const request = upgradeRequest().replace("a.example", host);
      assert.equal(await statusOf(t, options, request), 400, host);
    }
    const absolute = upgradeRequest([], "http://h%00.example/");
    assert.equal(await statusOf(t, options, absolute), 400);
    for (const host of ["127.0.0.1:80", "[::1]", "xn--mnchen-3ya.example", "a_b.example"]) {
      const request = upgradeRequest().replace("a.example", host);
      assert.equal(await statusOf(t, options, request), 101, host);
    }
    assert.deepEqual(asked, ["127.0.0.1", "[::1]", "xn--mnchen-3ya.example", "a_b.example"]);
  },

  "answers a request that arrived completely while the server was blocked": async (t) => {
    const server = await t.serve({ handshakeTimeout: 300 });
    const peers = [];
    for (let i = 0; i < 5; i++) peers.push(await t.rawClient(server));
    for (const raw of peers) raw.send(upgradeRequest().slice(0, 40));
    await settled(() => server.stats().handshakes);
    for (const raw of peers) raw.send(upgradeRequest().slice(40));
    block(700);
    for (const raw of peers) assert.equal((await raw.answer()).status, 101);
  },

  "path: answers other paths with 404": async (t) => {
    for (const path of ["/chat", ["/chat", "/news"]]) {
      const options: ServeOptions = { path };
      assert.equal(await statusOf(t, options, upgradeRequest([], "/chat?room=1")), 101);
      for (const other of ["/", "/chat/", "/Chat", "/%63hat", "//chat", "/other?/chat"]) {
        assert.equal(await statusOf(t, options, upgradeRequest([], other)), 404, other);
      }
    }
    const fetching: ServeOptions = { path: "/chat", fetch: () => new Response("page") };
    assert.equal(await statusOf(t, fetching, plain("/other")), 200);
    for (const path of ["chat", "/a?b", "/a#b", "/a b", "/../a", 7, [7]]) {
      await assert.rejects(t.serve({ path: path as string }), { name: "TypeError" });
    }
  },

  "the hook receives the path and port of the request": async (t) => {
    const seen = new Deferred<UpgradeRequest>();
    const opened = new Deferred<Connection<undefined>>();
    const server = await t.serve({
      upgrade: (request) => seen.resolve(request),
      open: (conn) => opened.resolve(conn),
    });
    const raw = await t.rawClient(server);
    raw.send(upgradeRequest([], "/chat?room=1"));
    const request = await seen.promise;
    assert.equal(request.path, "/chat");
    assert.equal(request.remotePort, raw.socket.localPort);
    assert.equal(request.tls, undefined);
    assert.equal((await opened.promise).remotePort, raw.socket.localPort);
  },

  "onRefused receives every rejected handshake": async (t) => {
    const { queue, onRefused } = refusals();
    const rules: ServeOptions = {
      onRefused,
      path: ["/chat", "/no", "/response", "/throws"],
      handshakeTimeout: 200,
      maxHandshakeSize: 1024,
      allowedHosts: ["a.example", "127.0.0.1"],
      onError: () => {},
      upgrade({ path }) {
        if (path === "/no") return { status: 401 };
        if (path === "/response") return new Response("no", { status: 402 });
        if (path === "/throws") throw new Error("no database");
        return undefined;
      },
    };
    const server = await t.serve(rules);
    const cases: [request: string, status: number, code: string][] = [
      ["nonsense\r\n\r\n", 400, "HEAD_MALFORMED"],
      [`GET / HTTP/1.1\r\nX: ${"x".repeat(2000)}`, 431, "HEAD_TOO_LARGE"],
      ["GET /chat HT", 408, "HANDSHAKE_TIMEOUT"],
      [plain("/chat"), 426, "UPGRADE_MISSING"],
      [upgradeRequest([], "/other"), 404, "NOT_FOUND"],
      [upgradeRequest().replace("a.example", "b.example"), 421, "HOST_REFUSED"],
      [upgradeRequest(["Origin: http://evil.example"]), 403, "ORIGIN_REFUSED"],
      [upgradeRequest([], "/no"), 401, "UPGRADE_REJECTED"],
      [upgradeRequest([], "/response"), 402, "UPGRADE_REJECTED"],
      [upgradeRequest([], "/throws"), 500, "HANDLER_FAILED"],
    ];
    for (const [request, status, code] of cases) {
      const raw = await t.rawClient(server);
      raw.send(request);
      assert.equal((await raw.answer()).status, status);
      const refusal = await queue.next();
      assert.deepEqual([refusal.status, refusal.code], [status, code]);
      assert.equal(refusal.request.remoteAddress, "127.0.0.1");
      assert.equal(refusal.request.remotePort, raw.socket.localPort);
      assert.ok(refusal.message.length > 0);
      if (status !== 400 && status !== 431 && status !== 408) {
        assert.equal(refusal.request.path, request.split(" ")[1]);
        assert.notEqual(refusal.request.headers.get("host"), null);
      }
    }
    assert.equal(server.stats().refused, cases.length);
    const good = await t.rawClient(server);
    assert.equal((await good.upgrade()).status, 101);
    assert.equal(queue.all.length, cases.length);
  },

  "answers 500 if upgrade returns a Response whose body was read, and onRefused receives the error":
    async (t) => {
      const shared = new Response("shared", { status: 403 });
      const read = async (): Promise<Response> => {
        const response = new Response("no", { status: 403 });
        await response.text();
        return response;
      };
      const locked = (): Response => {
        const response = new Response("no", { status: 403 });
        response.body!.getReader();
        return response;
      };
      const cases: [upgrade: () => Promise<Response> | Response, statuses: number[]][] = [
        [read, [500]],
        [locked, [500]],
        [() => shared, [403, 500]],
        [() => new Response("no", { status: 403 }), [403, 403]],
        [() => new Response(null, { status: 404 }), [404, 404]],
      ];
      for (const [upgrade, statuses] of cases) {
        const { queue, onRefused } = refusals();
        const errors = new Queue<unknown>();
        const server = await t.serve({ upgrade, onRefused, onError: errors.push });
        for (const status of statuses) {
          await assert.rejects(t.connect(server.url), { status });
          const refusal = await queue.next();
          assert.equal(refusal.status, status);
          assert.equal(refusal.code, status === 500 ? "HANDLER_FAILED" : "UPGRADE_REJECTED");
        }
        const failures = statuses.filter((status) => status === 500).length;
        assert.equal(errors.all.length, failures);
        for (const error of errors.all) {
          assert.ok(error instanceof TypeError);
          assert.match(
            error.message,
            /body .*\(status 403\) has already been read: .*new Response/,
          );
        }
      }
    },

  "reports an onRefused that throws or rejects, with no other effect": async (t) => {
    for (
      const fail of [() => {
        throw new Error("in onRefused");
      }, () => Promise.reject(new Error("in onRefused"))]
    ) {
      const errors = new Queue<unknown>();
      const server = await t.serve({ onRefused: fail, onError: errors.push });
      const raw = await t.rawClient(server);
      raw.send("nonsense\r\n\r\n");
      assert.equal((await raw.answer()).status, 400);
      assert.equal((await errors.next() as Error).message, "in onRefused");
      assert.equal((await (await t.rawClient(server)).upgrade()).status, 101);
    }
  },
});

const responseCases = liveCases({
  "sends the body of a Response that a hook returns": async (t) => {
    const bodies: Array<() => BodyInit | null> = [
      () => "no",
      () => Uint8Array.of(110, 111),
      () => new Blob(["no"]),
    ];
    for (const body of bodies) {
      const headers = { "X-Why": "closed", "Content-Type": "text/x" };
      const raw = await t.rawClient(
        await t.serve({ upgrade: () => new Response(body(), { status: 403, headers }) }),
      );
      const answer = await raw.upgrade();
      assert.equal(answer.status, 403);
      assert.equal(answer.headers.get("x-why"), "closed");
      assert.equal(answer.headers.get("content-type"), "text/x");
      assert.match(await raw.rest(), /no/);
    }
    const later = await t.rawClient(
      await t.serve({ upgrade: async () => await Promise.resolve(Response.json({ a: 1 })) }),
    );
    assert.equal((await later.upgrade()).status, 200);
    assert.equal(await later.rest(), '{"a":1}');
  },

  "answers 500 for a Response that cannot be sent": async (t) => {
    const read = new Response("read");
    await read.text();
    for (const response of [Response.error(), read]) {
      const errors = new Queue<unknown>();
      const options: ServeOptions = { upgrade: () => response, onError: errors.push };
      assert.equal(await statusOf(t, options, upgradeRequest()), 500);
      assert.ok(await errors.next() instanceof Error);
    }
    const errors = new Queue<unknown>();
    const options: ServeOptions = { upgrade: () => "pass", onError: errors.push };
    assert.equal(await statusOf(t, options, upgradeRequest()), 500);
    assert.match(String(await errors.next()), /"pass"/);
  },

  "fetch: cancels the body once and aborts the signal when the client disconnects": async (t) => {
    for (const pause of [0, 5]) {
      for (const leave of ["destroy", "end"] as const) {
        const canceled = new Queue<unknown>();
        const aborted = new Deferred<void>();
        let pulls = 0;
        const server = await t.serve({
          fetch(request) {
            request.signal.addEventListener("abort", () => aborted.resolve());
            return new Response(
              new ReadableStream<Uint8Array>({
                async pull(controller) {
                  pulls++;
                  if (pause > 0) await sleep(pause);
                  controller.enqueue(new Uint8Array(10_000));
                },
                cancel: canceled.push,
              }, { highWaterMark: 0 }),
            );
          },
        });
        const raw = await t.rawClient(server);
        raw.send(plain("/"));
        await raw.until(() => raw.received > 50_000);
        if (leave === "end") raw.pause();
        raw[leave]();
        await aborted.promise;
        if (leave === "end") raw.destroy();
        await canceled.next();
        const before = pulls;
        await settled(() => pulls);
        assert.equal(pulls, before);
        assert.equal(canceled.all.length, 1);
        assert.equal(server.stats().handshakes, 0);
      }
    }
  },

  "fetch: a disconnect before the response aborts the signal": async (t) => {
    const asked = new Deferred<void>();
    const aborted = new Deferred<void>();
    const canceled = new Queue<unknown>();
    const respond = new Deferred<Response>();
    const server = await t.serve({
      fetch(request) {
        request.signal.addEventListener("abort", () => aborted.resolve());
        asked.resolve();
        return respond.promise;
      },
      onError: (error) => assert.fail(`onError: ${error}`),
    });
    const raw = await t.rawClient(server);
    raw.send(plain("/"));
    await asked.promise;
    raw.socket.resetAndDestroy();
    await aborted.promise;
    while (server.stats().handshakes > 0) await sleep(1);
    respond.resolve(new Response(new ReadableStream({ cancel: canceled.push })));
    await canceled.next();
  },

  "fetch: sends a complete response to a client that has half-closed the stream": async (t) => {
    const server = await t.serve({
      fetch: async () => {
        await sleep(20);
        return new Response("still here");
      },
    });
    const raw = await t.rawClient(server);
    raw.send(plain("/"));
    raw.end();
    assert.equal((await raw.answer()).status, 200);
    assert.equal(await raw.rest(), "still here");
  },

  "fetch: delivers large responses completely to slow readers": async (t) => {
    const size = 9_000_000;
    const server = await t.serve({
      fetch: (request) =>
        new Response(new Uint8Array(new URL(request.url).pathname === "/large" ? size : 300_000)),
    });
    const [large, small] = [await t.rawClient(server), await t.rawClient(server)];
    large.send(plain("/large"));
    small.send(plain("/small"));
    const [all, few] = await Promise.all([
      readSlowly(large, 3_000_000),
      readSlowly(small, 100_000),
    ]);
    assert.ok(all > size, `${all} of ${size} bytes`);
    assert.ok(few > 300_000, `${few} of 300000 bytes`);
  },

  "fetch: sends a streamed body chunk by chunk": async (t) => {
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    const server = await t.serve({
      fetch: () => new Response(new ReadableStream({ start: (c) => void (controller = c) })),
    });
    const raw = await t.rawClient(server);
    raw.send(plain("/"));
    await settled(() => raw.received);
    const encoder = new TextEncoder();
    controller!.enqueue(encoder.encode("one"));
    await raw.until(() => raw.text.includes("one"));
    assert.equal((await raw.answer()).headers.get("transfer-encoding"), "chunked");
    controller!.enqueue(encoder.encode("two"));
    await raw.until(() => raw.text.includes("two"));
    controller!.close();
    assert.equal(await raw.rest(), "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
  },

  "fetch: reports a body that fails and truncates the response": async (t) => {
    const errors = new Queue<unknown>();
    let pulls = 0;
    const server = await t.serve({
      onError: errors.push,
      fetch: () =>
        new Response(
          new ReadableStream<Uint8Array>({
            async pull(controller) {
              await sleep(10);
              if (++pulls === 3) throw new Error("disk failed");
              controller.enqueue(new Uint8Array(10));
            },
          }),
        ),
    });
    const raw = await t.rawClient(server);
    raw.send(plain("/"));
    assert.equal((await raw.answer()).status, 200);
    assert.doesNotMatch(await raw.rest(), /0\r\n\r\n$/);
    assert.equal((await errors.next() as Error).message, "disk failed");
    assert.equal(errors.all.length, 1);
  },

  "fetch: uses no chunked encoding for HEAD, 204 and HTTP/1.0": async (t) => {
    const stream = (): ReadableStream<Uint8Array> => {
      let left = 3;
      return new ReadableStream({
        async pull(controller) {
          await sleep(1);
          if (left-- === 0) controller.close();
          else controller.enqueue(Uint8Array.of(97));
        },
      });
    };
    const server = await t.serve({
      fetch: ({ url }) =>
        url.endsWith("/204") ? new Response(null, { status: 204 }) : new Response(stream()),
    });
    const ask = async (request: string): Promise<[number, string | null, string]> => {
      const raw = await t.rawClient(server);
      raw.send(request);
      const { status, headers } = await raw.answer();
      return [status, headers.get("transfer-encoding"), await raw.rest()];
    };
    assert.deepEqual((await ask(plain("/", "HEAD")))[2], "");
    assert.deepEqual(await ask(plain("/204")), [204, null, ""]);
    assert.deepEqual(await ask(plain("/").replace("1.1", "1.0")), [200, null, "aaa"]);
    assert.deepEqual(await ask("OPTIONS /204 HTTP/1.0\r\n\r\n"), [204, null, ""]);
    assert.deepEqual((await ask("GET / HTTP/1.1\r\n\r\n"))[0], 400);
  },
});

const limitCases = liveCases({
  "maxConnections counts pending handshakes": async (t) => {
    const { queue, onRefused } = refusals();
    const server = await t.serve({ maxConnections: 3, onRefused });
    const idle = [];
    for (let i = 0; i < 2; i++) idle.push(await t.rawClient(server));
    assert.equal((await (await t.rawClient(server)).upgrade()).status, 101);
    const tooMany = await t.rawClient(server);
    assert.equal((await tooMany.upgrade()).status, 503);
    assert.match(await tooMany.rest(), /\(maxConnections: 3\)/);
    assert.equal((await queue.next()).code, "TOO_MANY_CONNECTIONS");
    assert.equal(server.stats().handshakes, 2);
    idle[0].destroy();
    while (server.stats().handshakes > 1) await sleep(1);
    assert.equal((await (await t.rawClient(server)).upgrade()).status, 101);
  },

  "a rejected client frees its slot immediately": async (t) => {
    const server = await t.serve({ maxConnections: 1 });
    for (let i = 0; i < 5; i++) {
      const raw = await t.rawClient(server);
      raw.send(upgradeRequest(["Origin: http://evil.example"]));
      assert.equal((await raw.answer()).status, 403);
    }
    assert.equal((await (await t.rawClient(server)).upgrade()).status, 101);
  },

  "maxConnectionsPerAddress counts clients behind trusted proxies separately": async (t) => {
    const reports: LimitReport[] = [];
    const server = await t.serve({
      maxConnectionsPerAddress: 1,
      trustedProxies: ["127.0.0.0/8"],
      onLimit: (report) => void reports.push(report),
    });
    const ask = async (address: string): Promise<[RawSocket, number]> => {
      const raw = await t.rawClient(server);
      return [raw, (await raw.upgrade([`X-Forwarded-For: 6.6.6.6, ${address}`])).status];
    };
    const [first, status] = await ask("1.2.3.4");
    assert.equal(status, 101);
    assert.equal((await ask("1.2.3.5"))[1], 101);
    assert.equal((await ask("1.2.3.4"))[1], 503);
    assert.equal((await ask("::ffff:1.2.3.4"))[1], 503);
    assert.deepEqual(
      reports.map(({ limit, max, value, remoteAddress, enforced }) => [
        ...[limit, max, value, remoteAddress, enforced],
      ]),
      Array(2).fill(["maxConnectionsPerAddress", 1, 2, "1.2.3.4", true]),
    );
    const conns = [...server.clients()];
    assert.deepEqual(conns.map((conn) => conn.remoteAddress), ["1.2.3.4", "1.2.3.5"]);
    first.destroy();
    await conns[0].closed;
    assert.equal((await ask("1.2.3.4"))[1], 101);
  },

  "maxConnectionsPerAddress applies to socket addresses": async (t) => {
    for (const hostname of ["127.0.0.1", "::"]) {
      const server = await t.serve({ hostname, maxConnectionsPerAddress: 2 });
      const place = { port: server.port, hostname: "127.0.0.1" };
      for (const status of [101, 101, 503]) {
        assert.equal((await (await t.rawClient(place)).upgrade()).status, status);
      }
      assert.equal([...server.clients()][0].remoteAddress, "127.0.0.1");
    }
  },

  "reportOnly reports the limits and accepts every client": async (t) => {
    const reports = new Queue<LimitReport>();
    const server = await t.serve({ maxConnections: 1, reportOnly: true, onLimit: reports.push });
    for (let i = 0; i < 2; i++) {
      assert.equal((await (await t.rawClient(server)).upgrade()).status, 101);
    }
    const { limit, max, value, enforced } = await reports.next();
    assert.deepEqual([limit, max, value, enforced], ["maxConnections", 1, 2, false]);
  },

  "ignores proxy header fields without trustedProxies": async (t) => {
    const server = await t.serve();
    const raw = await t.rawClient(server);
    const lines = ["X-Forwarded-For: 1.2.3.4", "Forwarded: for=1.2.3.4;proto=https"];
    assert.equal((await raw.upgrade(lines)).status, 101);
    const [conn] = server.clients();
    assert.equal(conn.remoteAddress, "127.0.0.1");
    assert.equal(conn.url, "ws://a.example/chat");
  },

  "proxyProtocol: takes the client's address from the header, and rejects connections without one":
    async (t) => {
      const { queue, onRefused } = refusals();
      const server = await t.serve({
        proxyProtocol: true,
        onRefused,
        fetch: () => new Response("page"),
        message: (conn, data) => void conn.send(data),
      });
      const signature = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10];
      const v2 = Uint8Array.of(
        ...signature,
        0x21,
        0x11,
        0,
        12,
        9,
        9,
        9,
        9,
        1,
        1,
        1,
        1,
        1,
        0,
        0,
        80,
      );
      for (const header of ["PROXY TCP4 9.9.9.9 1.1.1.1 256 80\r\n", v2]) {
        const raw = await t.rawClient(server);
        raw.send(header, upgradeRequest());
        assert.equal((await raw.answer()).status, 101);
        const conn = [...server.clients()].at(-1)!;
        assert.deepEqual([conn.remoteAddress, conn.remotePort], ["9.9.9.9", 256]);
      }
      const slow = await t.rawClient(server);
      for (const byte of latin1("PROXY UNKNOWN\r\n")) {
        slow.send(Uint8Array.of(byte));
        await sleep(1);
      }
      assert.equal((await slow.upgrade()).status, 101);
      for (const request of [upgradeRequest(), plain("/"), "PROXY TCP9 a b 1 2\r\n"]) {
        const raw = await t.rawClient(server);
        raw.send(request);
        assert.equal((await raw.answer()).status, 400);
        await raw.until(() => raw.ended || raw.isClosed);
        assert.equal((await queue.next()).code, "PROXY_HEADER_INVALID");
      }
      assert.equal(server.connections, 3);
      const wary = await t.serve({ proxyProtocol: true, trustedProxies: ["10.0.0.0/8"] });
      const raw = await t.rawClient(wary);
      raw.send("PROXY UNKNOWN\r\n", upgradeRequest());
      assert.equal((await raw.answer()).status, 400);
    },

  'secure: "same" requires https behind a proxy that terminates TLS': async (t) => {
    const options: ServeOptions[] = [
      { secure: true },
      { trustedProxies: ["127.0.0.1"] },
    ];
    for (const option of options) {
      const ask = async (origin: string): Promise<number> => {
        const server = await t.serve({
          ...option,
          upgrade: ({ url }) => assert.equal(url, "wss://a.example/chat"),
        });
        const raw = await t.rawClient(server);
        return (await raw.upgrade([`Origin: ${origin}`, "X-Forwarded-Proto: https"])).status;
      };
      assert.equal(await ask("http://a.example"), 403);
      assert.equal(await ask("https://a.example"), 101);
    }
  },

  '"same" accepts only https pages over TLS': async (t) => {
    const { ca, cert, key } = t.context.fixtures.certificates;
    const server = await t.serve({ tls: { cert, key } });
    const tls = { caCerts: [ca] };
    const { host } = new URL(server.url);
    await t.connect(server.url, { tls, origin: `https://${host}` });
    await assert.rejects(t.connect(server.url, { tls, origin: `http://${host}` }), { status: 403 });
  },
});

const slotCases = liveCases({
  "release is called once, after the close handler": async (t) => {
    const log = new Queue<string>();
    const server = await t.serve({
      upgrade: () => ({ release: () => log.push("released") }),
      close: () => log.push("closed"),
    });
    const conn = await t.connect(server.url);
    conn.close();
    await conn.closed;
    assert.deepEqual(await log.atLeast(2), ["closed", "released"]);
    await server.shutdown();
    assert.equal(log.all.length, 2);
  },

  "calls release when the connection never opens": async (t) => {
    const released = new Queue<string>();
    const errors = new Queue<unknown>();
    const decide = new Deferred<void>();
    const asked = new Queue<string>();
    const server = await t.serve({
      onError: errors.push,
      handshakeTimeout: 200,
      async upgrade({ path }) {
        asked.push(path);
        if (path === "/left" || path === "/late") await decide.promise;
        const release = (): void => released.push(path);
        if (path === "/bad") return { subprotocol: "not offered", release };
        return { release };
      },
    });
    const bad = await t.rawClient(server);
    bad.send(upgradeRequest([], "/bad"));
    assert.equal((await bad.answer()).status, 500);
    assert.equal(await released.next(), "/bad");
    await asked.next();
    const left = await t.rawClient(server);
    left.send(upgradeRequest([], "/left"));
    await asked.next();
    left.destroy();
    const late = await t.rawClient(server);
    late.send(upgradeRequest([], "/late"));
    assert.equal((await late.answer()).status, 503);
    decide.resolve();
    assert.deepEqual((await released.atLeast(3)).slice(1).sort(), ["/late", "/left"]);
    assert.equal(server.connections, 0);
  },

  "reports an error thrown by release": async (t) => {
    const errors = new Queue<unknown>();
    const server = await t.serve({
      onError: errors.push,
      upgrade: () => ({
        release() {
          throw new Error("in release");
        },
      }),
    });
    const conn = await t.connect(server.url);
    conn.close();
    assert.equal((await errors.next() as Error).message, "in release");
  },

  "detects a client's disconnect while the hook is pending": async (t) => {
    for (const leave of ["end", "destroy"] as const) {
      const asked = new Deferred<void>();
      const server = await t.serve({
        handshakeTimeout: 0,
        upgrade() {
          asked.resolve();
          return new Promise<void>(() => {});
        },
      });
      const raw = await t.rawClient(server);
      raw.send(upgradeRequest());
      await asked.promise;
      raw[leave]();
      while (server.stats().handshakes > 0) await sleep(1);
    }
  },
});

const shutdownCases = liveCases({
  "shutdown ends pending handshakes in every state": async (t) => {
    const deciding = new Queue<string>();
    const server = await t.serve({
      onError: () => {},
      upgrade({ path }) {
        deciding.push(path);
        return new Promise<void>(() => {});
      },
      fetch({ url }) {
        deciding.push(new URL(url).pathname);
        if (url.endsWith("/never")) return new Promise<Response>(() => {});
        return new Response(
          new ReadableStream({ start: (c) => c.enqueue(Uint8Array.of(1, 2, 3)) }),
        );
      },
    });
    const requests = ["", "GET /hal", upgradeRequest(), plain("/never"), plain("/endless")];
    const peers: RawSocket[] = [];
    for (const request of requests) {
      const raw = await t.rawClient(server);
      if (request !== "") raw.send(request);
      peers.push(raw);
    }
    await deciding.atLeast(3);
    await peers[4].until(() => peers[4].text.includes("3\r\n"));
    assert.equal(server.stats().handshakes, 5);
    const refused = await t.rawClient(server);
    refused.send("nonsense\r\n\r\n");
    await refused.answer();
    await server.shutdown({ timeout: 100 });
    const statuses = [];
    for (const raw of peers) statuses.push((await raw.answer()).status);
    assert.deepEqual(statuses, [503, 503, 503, 503, 200]);
    assert.equal(server.stats().handshakes, 0);
  },

  "shutdown({ keepHttp: true }) answers plain requests until the last connection is closed": async (
    t,
  ) => {
    const server: Server = await t.serve({
      fetch: (): Response => new Response(server.connections > 0 ? "draining" : "none"),
    });
    const peer = await t.rawClient(server);
    assert.equal((await peer.upgrade()).status, 101);
    const down = server.shutdown({ timeout: 10_000, keepHttp: true });
    const page = await t.rawClient(server);
    page.send(plain("/health"));
    assert.equal((await page.answer()).status, 200);
    assert.equal(await page.rest(), "draining");
    page.end();
    const late = await t.rawClient(server);
    assert.equal((await late.upgrade()).status, 503);
    late.end();
    peer.destroy();
    await down;
    await assert.rejects(t.rawClient(server));
  },

  "shutdown delivers output while the client reads it": async (t) => {
    const server = await t.serve();
    const raw = await t.rawClient(server);
    assert.equal((await raw.upgrade()).status, 101);
    const [conn] = server.clients();
    const size = 12_000_000;
    for (let i = 0; i < 12; i++) conn.send(new Uint8Array(size / 12));
    const reading = readSlowly(raw, 4_000_000);
    await server.shutdown({ timeout: 1500 });
    assert.ok(await reading >= size, `${raw.received} of ${size} bytes`);
  },

  "onLimit receives unreadTimeout with its connection": async (t) => {
    const reports = new Queue<LimitReport>();
    const server = await t.serve({ unreadTimeout: 50, onLimit: reports.push });
    const near = await t.connect(server.url);
    near.send("unread");
    const { limit, max, connection } = await reports.next();
    assert.deepEqual([limit, max], ["unreadTimeout", 50]);
    assert.equal(connection, [...server.clients()][0]);
  },

  "shutdown also ends connections that were already closing": async (t) => {
    const { server, conn, peer } = await t.accept({ closeTimeout: 600_000 });
    conn.close();
    assert.ok(await peer.frame());
    await server.shutdown({ timeout: 50 });
    assert.equal((await conn.closed).clean, false);
  },

  "stats counts connections and messages": async (t) => {
    const server = await t.serve();
    const conn = await t.connect(server.url);
    const raw = await t.rawClient(server);
    raw.send("nonsense\r\n\r\n");
    await raw.rest();
    raw.end();
    while (server.stats().handshakes > 0) await sleep(1);
    const { memory, ...numbers } = server.stats();
    assert.deepEqual(numbers, {
      connections: 1,
      handshakes: 0,
      opened: 1,
      closed: 0,
      refused: 1,
    });
    assert.ok(memory.total >= 0);
    conn.close();
    await conn.closed;
    while (server.connections > 0) await sleep(1);
    assert.deepEqual(server.stats().closed, 1);
  },
});

export const cases: Cases = {
  ...requestCases,
  ...responseCases,
  ...limitCases,
  ...slotCases,
  ...shutdownCases,
};
