// `handle` of createSockets: the requests and servers that it accepts.

import assert from "node:assert/strict";
import { createSockets as createBunSockets } from "../../src/bun.ts";
import { createSockets as createDenoSockets } from "../../src/deno.ts";
import type { BunServer } from "../../src/native/bun.ts";
import type { DenoRequestInfo } from "../../src/native/deno.ts";
import { createSockets as createWorkerSockets } from "../../src/workers.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** Creates a request as a runtime passes it to `fetch`. */
function upgradeRequest(url: string, init: RequestInit = {}, fields = {}): Request {
  const headers = {
    host: new URL(url).host,
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": KEY,
    ...fields,
  };
  // `Request` drops header fields that pages may not set.
  const request = new Request(url, init);
  Object.defineProperty(request, "headers", { value: new Map(Object.entries(headers)) });
  return request;
}

const bunServer: BunServer = {
  upgrade: () => false,
  requestIP: () => ({ address: "127.0.0.1", port: 1 }),
};
const denoInfo: DenoRequestInfo = { remoteAddr: { hostname: "127.0.0.1" } };

Deno.test("handle ignores requests for other resources", async () => {
  const sockets = createDenoSockets({ path: ["/ws", "/live"] });
  const others = [
    upgradeRequest("http://a.example/"),
    upgradeRequest("http://a.example/wsx"),
    upgradeRequest("http://a.example/ws/"),
    upgradeRequest("http://a.example/?path=/ws"),
    upgradeRequest("http://a.example/ws", { method: "POST" }),
    upgradeRequest("http://a.example/ws", {}, { upgrade: "h2c" }),
    new Request("http://a.example/ws"),
  ];
  for (const request of others) {
    assert.equal(sockets.handle(request, denoInfo), undefined, request.url);
  }
  for (const url of ["http://a.example/ws", "http://a.example/live?room=1"]) {
    const answer = sockets.handle(upgradeRequest(url, {}, { "sec-websocket-key": "x" }), denoInfo);
    assert.ok(answer instanceof Promise);
    const response = await answer;
    assert.equal(response.status, 400);
    await response.body?.cancel();
  }
  await sockets.shutdown();
});

Deno.test("the error for a missing first argument of handle names it", () => {
  const all = [
    (request: Request) => createBunSockets().handle(request, bunServer),
    (request: Request) => createDenoSockets().handle(request, denoInfo),
    (request: Request) => createWorkerSockets().handle(request),
  ];
  for (const handle of all) {
    for (const [value, shown] of [[undefined, "undefined"], [null, "null"], [{}, "an object"]]) {
      assert.throws(() => handle(value as Request), {
        name: "TypeError",
        message:
          `handle needs the Request that the fetch handler received, as its first argument, ` +
          `got ${shown}`,
      });
    }
  }
});

Deno.test("accepts upgrades on every path without the option path, and answers 503 after shutdown", async () => {
  const sockets = createDenoSockets();
  await sockets.shutdown();
  const answer = await sockets.handle(upgradeRequest("http://a.example/any"), denoInfo);
  assert.equal(answer?.status, 503);
  await answer.body?.cancel();
});

Deno.test("rejects an upgrade if the hook returns an invalid value", async () => {
  for (const wrong of [null, false, 0, ""]) {
    const errors: unknown[] = [];
    const sockets = createDenoSockets({
      upgrade: () => wrong as unknown as undefined,
      onError: (error) => errors.push(error),
    });
    const answer = await sockets.handle(upgradeRequest("http://a.example/"), denoInfo);
    assert.equal(answer?.status, 500, String(wrong));
    assert.match(String(errors), /^TypeError: The result of upgrade must be an object/);
    await answer.body?.cancel();
    await sockets.shutdown();
  }
});

Deno.test("releases the slot of a client that disconnects while the hook is pending", async () => {
  const decided = Promise.withResolvers<void>();
  const refused: string[] = [];
  let held = 0;
  const sockets = createBunSockets({
    maxConnections: 1,
    async upgrade({ path }) {
      held++;
      if (path === "/slow") await decided.promise;
      return { release: () => void held-- };
    },
    onRefused: (_, { code }) => void refused.push(code),
  });
  const leaving = new AbortController();
  const slow = upgradeRequest("http://a.example/slow", { signal: leaving.signal });
  const first = sockets.handle(slow, bunServer);
  const second = await sockets.handle(upgradeRequest("http://a.example/next"), bunServer);
  assert.equal(second?.status, 503, "maxConnections counts pending handshakes");
  await second.body?.cancel();
  leaving.abort();
  await first;
  assert.equal(sockets.stats().handshakes, 0);
  const third = await sockets.handle(upgradeRequest("http://a.example/next"), bunServer);
  assert.equal(third?.status, 400, "the slot is free, but the server does not upgrade");
  await third.body?.cancel();
  assert.deepEqual(refused, ["TOO_MANY_CONNECTIONS"]);
  assert.equal(held, 1);
  decided.resolve();
  await sockets.shutdown();
  assert.equal(held, 0);
});

Deno.test("throws a TypeError that names the correct entry for another runtime's server", async () => {
  const request = upgradeRequest("http://a.example/ws");
  const bun = createBunSockets();
  const deno = createDenoSockets();
  const workers = createWorkerSockets();
  assert.throws(
    () => bun.handle(request, denoInfo as unknown as BunServer),
    /TypeError: .*Bun\.serve.*quickws\/deno"/,
  );
  assert.throws(
    () => bun.handle(request, { incoming: {} } as unknown as BunServer),
    /TypeError: .*quickws\/node"/,
  );
  assert.throws(
    () => bun.handle(request, undefined as unknown as BunServer),
    /TypeError: .*second argument of fetch/,
  );
  assert.throws(
    () => deno.handle(request, bunServer as unknown as DenoRequestInfo),
    /TypeError: .*Deno\.serve.*quickws\/bun"/,
  );
  assert.throws(
    () => deno.handle(request, undefined as unknown as DenoRequestInfo),
    /TypeError: .*second argument/,
  );
  for (const second of [null, 5, "server", {}]) {
    assert.throws(
      () => bun.handle(request, second as unknown as BunServer),
      /TypeError: .*Bun\.serve.*second argument of fetch/,
    );
    assert.throws(
      () => deno.handle(request, second as unknown as DenoRequestInfo),
      /TypeError: .*Deno\.serve.*second argument/,
    );
  }
  assert.throws(() => workers.handle(request), /TypeError: .*WebSocketPair.*quickws\/deno"/);
  await Promise.all([bun.shutdown(), deno.shutdown(), workers.shutdown()]);
});

Deno.test("a value that is not a Request throws a TypeError that names the expected value", async () => {
  const incoming = { httpVersion: "1.1", method: "GET", url: "/ws", headers: { upgrade: "x" } };
  const honoRequest = { method: "GET", url: "http://a.example/ws", header: () => "websocket" };
  for (const options of [{}, { path: "/ws" }]) {
    const sockets = createDenoSockets(options);
    const handle = (request: unknown): unknown => sockets.handle(request as Request, denoInfo);
    assert.throws(
      () => handle(incoming),
      /TypeError: .*node:http: use attach from .*quickws\/node"/,
    );
    for (const other of [{ req: honoRequest }, honoRequest]) {
      assert.throws(() => handle(other), /TypeError: handle needs the Request .*c\.req\.raw/);
    }
    await sockets.shutdown();
  }
});

Deno.test("answers 400 to a request that Bun can no longer upgrade", async () => {
  let opened = 0;
  let closed = 0;
  const sockets = createBunSockets({
    maxConnections: 1,
    open: () => opened++,
    close: () => closed++,
  });
  for (let i = 0; i < 2; i++) {
    const answer = await sockets.handle(upgradeRequest("http://a.example/"), bunServer);
    assert.equal(answer?.status, 400, "the first request has released its slot");
    await answer.body?.cancel();
  }
  assert.deepEqual([opened, closed, sockets.connections], [0, 0, 0]);
  await sockets.shutdown();
});

Deno.test("rejects an option that the runtime cannot honor, and the error has the reason", () => {
  const everywhere = {
    utf8Check: false,
    text: "bytes",
    maxFragments: 5,
    messageTimeout: 5,
    readTimeout: 5,
    autoPong: false,
    port: 8080,
    tls: { cert: "", key: "" },
    fetch: () => new Response(),
    delayedWrite: {},
    rateLimit: { messages: 5 },
  } as const;
  const noPings = { pongTimeout: 5, ping: () => {}, pong: () => {}, compression: true };
  const hidden = {
    pingInterval: 5,
    highWaterMark: 5,
    maxBufferedAmount: 5,
    writeTimeout: 5,
    drain: () => {},
  };
  const engines = [
    { create: createBunSockets, name: "Bun.serve", refused: everywhere },
    { create: createDenoSockets, name: "Deno.serve", refused: { ...everywhere, ...noPings } },
    {
      create: createWorkerSockets,
      name: "Workers",
      refused: { ...everywhere, ...noPings, ...hidden },
    },
  ];
  for (const { create, name, refused } of engines) {
    for (const [option, value] of Object.entries(refused)) {
      if (option === "text") continue;
      assert.throws(
        () => create({ [option]: value }),
        (error) =>
          error instanceof TypeError && error.message.includes(`"${option}"`) &&
          error.message.includes(name),
        `${name} ${option}`,
      );
    }
  }
  assert.throws(() => createBunSockets({ compression: { level: "best" } }), /compression\.level/);
  assert.throws(() => createDenoSockets({ maxMessageSize: 65 << 20 }), RangeError);
  assert.throws(() => createWorkerSockets({ maxMessageSize: 33 << 20 }), RangeError);
  assert.throws(() => createDenoSockets({ path: "ws" }), /"path" must be a URL path/);
  assert.throws(() => createDenoSockets({ path: "/ws?x" }), /"path" must be a URL path/);
});

Deno.test('rejects rateLimit with "pause", and accepts "close", "report" and memoryLimit', async () => {
  const engines = [
    { create: createBunSockets, name: "Bun.serve" },
    { create: createDenoSockets, name: "Deno.serve" },
    { create: createWorkerSockets, name: "Workers" },
  ];
  for (const { create, name } of engines) {
    for (const rateLimit of [{ messages: 5 }, { bytes: 5, onExceed: "pause" }] as const) {
      assert.throws(() => create({ rateLimit }), {
        name: "TypeError",
        message:
          `Option "rateLimit" cannot have onExceed: "pause", the default, with ${name}: it ` +
          "delivers messages as they arrive and cannot make the peer wait; use " +
          'onExceed: "close" or "report"',
      });
    }
    for (const onExceed of ["close", "report"] as const) {
      await create({ rateLimit: { messages: 5, onExceed }, memoryLimit: 5_000_000 }).shutdown();
    }
    assert.throws(
      () => create({ rateLimit: { messages: 0, onExceed: "close" } }),
      /RangeError: .*rateLimit\.messages/,
    );
    assert.throws(() => create({ memoryLimit: -1 }), /RangeError: .*memoryLimit/);
  }
});
