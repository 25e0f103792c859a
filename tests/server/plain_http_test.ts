// Tests plain HTTP on the port of a WebSocket server: the option `fetch`.

import assert from "node:assert/strict";
import { HandshakeError } from "../../src/errors.ts";
import type { Server } from "../../src/server/serve.ts";
import { nextMacrotask, socketTest } from "../support/socket_harness.ts";
import { type RawPeer, upgradeRequest } from "../support/raw_peer.ts";

/** Creates a plain HTTP request. */
function plain(method: string, target: string, ...lines: string[]): string {
  return [`${method} ${target} HTTP/1.1`, "Host: a.example:8080", ...lines, "", ""].join("\r\n");
}

/** Reads the complete response, until the end of the stream. */
async function whole(client: RawPeer): Promise<{ status: number; headers: Headers; body: string }> {
  const { status, headers } = await client.answer();
  await client.until(() => client.ended);
  return { status, headers, body: client.text };
}

socketTest("fetch receives the request, and its Response is sent", async (t) => {
  const seen: Request[] = [];
  const client = await t.ask({
    fetch: (request) => {
      seen.push(request);
      return new Response("<p>hi</p>", {
        status: 203,
        headers: [["Content-Type", "text/html"], ["Set-Cookie", "a=b"], ["Set-Cookie", "c=d"]],
      });
    },
  }, plain("GET", "/page?x=1", "Accept: text/html", "X-Two: 1", "X-Two: 2"));
  const { status, headers, body } = await whole(client);
  const [request] = seen;
  assert.equal(request.method, "GET");
  assert.equal(request.url, "http://a.example:8080/page?x=1");
  assert.equal(request.headers.get("accept"), "text/html");
  assert.equal(request.headers.get("x-two"), "1, 2");
  assert.equal(status, 203);
  assert.equal(body, "<p>hi</p>");
  assert.equal(headers.get("content-type"), "text/html");
  assert.equal(headers.get("content-length"), "9");
  assert.equal(headers.get("connection"), "close");
  assert.deepEqual(headers.getSetCookie(), ["a=b", "c=d"]);
});

socketTest("accepts an asynchronous Response with a streamed body", async (t) => {
  const client = await t.ask({
    fetch: async () => {
      await nextMacrotask();
      const pieces = ["one ", "two ", "three"].map((piece) => new TextEncoder().encode(piece));
      return new Response(ReadableStream.from(pieces));
    },
  }, plain("GET", "/"));
  const { status, headers, body } = await whole(client);
  assert.deepEqual([status, headers.get("transfer-encoding")], [200, "chunked"]);
  assert.equal(body, "4\r\none \r\n4\r\ntwo \r\n5\r\nthree\r\n0\r\n\r\n");
});

socketTest("ignores the connection and length fields of a Response", async (t) => {
  const client = await t.ask({
    fetch: () =>
      new Response("four", {
        headers: {
          "Connection": "keep-alive",
          "Content-Length": "400",
          "Transfer-Encoding": "chunked",
          "Keep-Alive": "timeout=5",
          "Upgrade": "h2c",
        },
      }),
  }, plain("GET", "/"));
  const { headers, body } = await whole(client);
  assert.equal(body, "four");
  assert.equal(headers.get("connection"), "close");
  assert.equal(headers.get("content-length"), "4");
  for (const name of ["transfer-encoding", "keep-alive", "upgrade"]) {
    assert.equal(headers.has(name), false, name);
  }
});

socketTest("answers HEAD with the Content-Length of the body, but no body", async (t) => {
  const client = await t.ask({ fetch: () => new Response("12345") }, plain("HEAD", "/"));
  const { status, headers, body } = await whole(client);
  assert.deepEqual([status, headers.get("content-length"), body], [200, "5", ""]);
});

for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
  socketTest(`fetch receives a ${method} request without a body`, async (t) => {
    const client = await t.ask({ fetch: ({ method }) => new Response(method) }, plain(method, "/"));
    assert.equal((await whole(client)).body, method);
  });
}

for (const status of [204, 304]) {
  socketTest(`a ${status} has no body and no Content-Length`, async (t) => {
    const client = await t.ask({ fetch: () => new Response(null, { status }) }, plain("GET", "/"));
    const answer = await whole(client);
    assert.equal(answer.status, status);
    assert.equal(answer.headers.has("content-length"), false);
    assert.equal(answer.body, "");
  });
}

/** Requests that are not passed to `fetch`, and the status of the response. */
const REFUSED: readonly [what: string, request: string, status: number][] = [
  ["with a body", plain("POST", "/", "Content-Length: 3") + "abc", 400],
  ["with a chunked body", plain("POST", "/", "Transfer-Encoding: chunked") + "0\r\n\r\n", 400],
  ["of the method TRACE", plain("TRACE", "/"), 400],
  ["of the method CONNECT", plain("CONNECT", "b.example:443"), 400],
  ["without a Host", "GET //b.example/x HTTP/1.1\r\n\r\n", 400],
  ["with an empty Host", "GET /x HTTP/1.1\r\nHost:\r\n\r\n", 400],
  ["with a path in its Host", "GET /x HTTP/1.1\r\nHost: a.example/y?\r\n\r\n", 400],
  ["with user information in its Host", "GET /x HTTP/1.1\r\nHost: b@a.example\r\n\r\n", 400],
  ["with two Hosts", "GET /x HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n", 400],
  ["without a path", "OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n", 400],
  ["that is malformed", "GET\r\n\r\n", 400],
];

for (const [what, request, status] of REFUSED) {
  socketTest(`answers a request ${what} with ${status} without calling fetch`, async (t) => {
    const asked: string[] = [];
    const client = await t.ask({
      fetch: ({ url }) => {
        asked.push(url);
        return new Response();
      },
    }, request);
    assert.equal((await whole(client)).status, status);
    assert.deepEqual(asked, []);
  });
}

/** How `fetch` can fail. */
const FAILING: readonly [what: string, fetch: () => Response | Promise<Response>][] = [
  ["throws", () => {
    throw new Error("secret");
  }],
  ["rejects", () => Promise.reject(new Error("secret"))],
  ["throws a HandshakeError", () => {
    throw new HandshakeError("STATUS_UNEXPECTED", "secret", { status: 302 });
  }],
  ["returns undefined", () => undefined as unknown as Response],
  ["returns a string", () => "page" as unknown as Response],
  ["returns an error", () => Response.error()],
  ["returns a body that fails", () =>
    new Response(
      new ReadableStream({
        pull: (controller) => controller.error(new Error("secret")),
      }),
    )],
  ["returns a used Response", () => {
    const response = new Response("used");
    response.text();
    return response;
  }],
];

for (const [what, fetch] of FAILING) {
  socketTest(`answers 500 and reports the error if fetch ${what}`, async (t) => {
    const errors: unknown[] = [];
    const client = await t.ask(
      { fetch, onError: (error) => void errors.push(error) },
      plain("GET", "/"),
    );
    const { status, body } = await whole(client);
    assert.equal(status, 500);
    assert.doesNotMatch(body, /secret/);
    assert.equal(errors.length, 1);
  });
}

socketTest("answers 503 when fetch times out", async (t) => {
  const client = await t.ask(
    { handshakeTimeout: 20, fetch: () => new Promise<Response>(() => {}) },
    plain("GET", "/"),
  );
  assert.equal((await whole(client)).status, 503);
});

socketTest("answers one request per connection and ignores later ones", async (t) => {
  const asked: string[] = [];
  const client = await t.ask({
    fetch: ({ url }) => {
      asked.push(url);
      return new Response("one");
    },
  }, plain("GET", "/1") + plain("GET", "/2"));
  assert.equal((await whole(client)).body, "one");
  assert.deepEqual(asked, ["http://a.example:8080/1"]);
});

socketTest("with fetch, the server still accepts WebSockets on the same port", async (t) => {
  const client = await t.ask({ fetch: () => new Response("page") });
  assert.equal((await client.answer()).status, 101);
  const server = await t.serve({ fetch: () => new Response("page") });
  const bad = t.rawClient(server);
  bad.send(upgradeRequest().replace("Version: 13", "Version: 8"));
  assert.equal((await bad.answer()).status, 426, "an invalid upgrade is not passed to fetch");
});

socketTest("without fetch, answers a plain request with 426 and the reason", async (t) => {
  const client = await t.ask({}, plain("GET", "/"));
  const { status, headers, body } = await whole(client);
  assert.equal(status, 426);
  assert.match(headers.get("upgrade")!, /websocket/);
  assert.equal(headers.get("sec-websocket-version"), "13");
  assert.match(body, /WebSocket/);
});

socketTest("without fetch, answers HEAD without a body", async (t) => {
  const client = await t.ask({}, plain("HEAD", "/"));
  assert.equal((await whole(client)).body, "");
});

socketTest("answers HEAD without a body when fetch fails", async (t) => {
  const client = await t.ask({
    fetch: () => {
      throw new Error("no");
    },
    onError: () => {},
  }, plain("HEAD", "/"));
  const { status, body } = await whole(client);
  assert.deepEqual([status, body], [500, ""]);
});

socketTest("fetch may shut down the server: the client gets 503", async (t) => {
  const server: Server = await t.serve({
    fetch: () => {
      server.shutdown();
      return new Response("bye");
    },
  });
  const client = t.rawClient(server);
  client.send(plain("GET", "/"));
  assert.equal((await whole(client)).status, 503);
  client.transport.end();
  await server.finished;
});
