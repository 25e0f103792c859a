import assert from "node:assert/strict";
import { buildRequest, type RequestOptions } from "../../src/handshake/request.ts";
import { checkUpgrade, ServerHandshake } from "../../src/handshake/server.ts";
import { head, textOf } from "./replay.ts";
import { RFC_KEY } from "./vectors.ts";

const plain: RequestOptions = { host: "a.example:8080", target: "/chat?room=1", key: RFC_KEY };

Deno.test("the request contains the fields that RFC 6455 4.1 requires", () => {
  assert.equal(
    textOf(buildRequest(plain)),
    head(
      "GET /chat?room=1 HTTP/1.1",
      "Host: a.example:8080",
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Key: ${RFC_KEY}`,
      "Sec-WebSocket-Version: 13",
    ),
  );
});

Deno.test("each optional part of the request has its own field", () => {
  const text = textOf(buildRequest({
    ...plain,
    subprotocols: ["v2", "v1"],
    extensions: "permessage-deflate; client_max_window_bits",
    origin: "https://a.example",
    headers: [["Authorization", "Bearer x"], ["Cookie", "a=1"], ["X-Empty", ""]],
  }));
  assert.ok(text.startsWith(textOf(buildRequest(plain)).slice(0, -2)));
  assert.ok(text.endsWith(head(
    "Sec-WebSocket-Version: 13",
    "Origin: https://a.example",
    "Sec-WebSocket-Protocol: v2, v1",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
    "Authorization: Bearer x",
    "Cookie: a=1",
    "X-Empty: ",
  )));
});

Deno.test("empty lists add no fields", () => {
  assert.deepEqual(
    buildRequest({ ...plain, subprotocols: [], extensions: "", headers: [] }),
    buildRequest(plain),
  );
});

Deno.test("the library's server accepts the library's request", () => {
  const handshake = new ServerHandshake();
  const bytes = buildRequest({ ...plain, subprotocols: ["v2", "v1"], extensions: "x; y=1" });
  assert.equal(handshake.push(bytes), true);
  const request = checkUpgrade(handshake.request);
  assert.equal(request.key, RFC_KEY);
  assert.equal(request.host, "a.example:8080");
  assert.equal(request.path, "/chat?room=1");
  assert.deepEqual(request.subprotocols, ["v2", "v1"]);
  assert.equal(request.extensions[0].name, "x");
});

const BREAKERS = ["\r", "\n", "\0", "\r\nX-Injected: 1", "\x7f", "\u00e9", "\u{1f600}"];

/** Characters that would break a field value; obs-text is allowed. */
const VALUE_BREAKERS = ["\r", "\n", "\0", "\r\nX-Injected: 1", "\x7f", "\u0100", "\u{1f600}"];

const injections: readonly { title: string; options(bad: string): Partial<RequestOptions> }[] = [
  { title: "the host", options: (bad) => ({ host: `a${bad}` }) },
  { title: "the target", options: (bad) => ({ target: `/a${bad}` }) },
  { title: "the key", options: (bad) => ({ key: RFC_KEY.slice(0, -1) + bad }) },
  { title: "a subprotocol", options: (bad) => ({ subprotocols: ["a", `b${bad}`] }) },
  { title: "the extensions", options: (bad) => ({ extensions: `a${bad}` }) },
  { title: "the origin", options: (bad) => ({ origin: `http://a${bad}` }) },
  { title: "a header field's name", options: (bad) => ({ headers: [[`X${bad}`, "1"]] }) },
];

for (const { title, options } of injections) {
  Deno.test(`CR, LF, NUL and non-ASCII characters are rejected in ${title}`, () => {
    for (const bad of BREAKERS) {
      assert.throws(
        () => buildRequest({ ...plain, ...options(bad) }),
        TypeError,
        JSON.stringify(bad),
      );
    }
  });
}

Deno.test("rejects CR, LF, NUL and characters outside Latin-1 in the value of a header field", () => {
  for (const bad of VALUE_BREAKERS) {
    assert.throws(
      () => buildRequest({ ...plain, headers: [["X", `1${bad}`]] }),
      TypeError,
      JSON.stringify(bad),
    );
  }
});

Deno.test("the error quotes a target that is not a path", () => {
  for (const target of ["", "chat", "http://a.example/", "*", "/a b", "/a#b"]) {
    assert.throws(() => buildRequest({ ...plain, target }), {
      name: "TypeError",
      message: `target is ${JSON.stringify(target)}: it must begin with "/" and be visible ASCII ` +
        'without "#"',
    });
  }
});

Deno.test("the error quotes a host with a path or with user information", () => {
  for (const host of ["", "a/b", "user@a", "a:http"]) {
    assert.throws(() => buildRequest({ ...plain, host }), {
      name: "TypeError",
      message: `host is ${JSON.stringify(host)}: it must be a host, or a host:port`,
    });
  }
});

const reserved: readonly [name: string, message: RegExp][] = [
  ["Host", /the URL sets it/],
  ["Upgrade", /the opening handshake sets it/],
  ["connection", /the opening handshake sets it/],
  ["Sec-WebSocket-Key", /the opening handshake sets it/],
  ["sec-websocket-version", /the opening handshake sets it/],
  ["Sec-WebSocket-Accept", /only a server sends it/],
  ["Sec-WebSocket-Protocol", /the option subprotocols/],
  ["Sec-WebSocket-Extensions", /the option compression/],
  ["ORIGIN", /the option origin/],
  ["Content-Length", /no body/],
  ["Transfer-Encoding", /no body/],
  ["Expect", /no body/],
];

for (const [name, message] of reserved) {
  Deno.test(`rejects ${name} in the headers, and the error names the alternative`, () => {
    assert.throws(
      () => buildRequest({ ...plain, headers: [["X-Ok", "1"], [name, "1"]] }),
      { name: "TypeError", message },
    );
  });
}

Deno.test("does not modify the caller's headers, so they can be reused", () => {
  const headers = new Headers({ "X-Token": "1" });
  const first = buildRequest({ ...plain, headers });
  assert.deepEqual([...headers], [["x-token", "1"]]);
  assert.deepEqual(buildRequest({ ...plain, headers }), first);
});
