import assert from "node:assert/strict";
import { HandshakeError } from "../../src/errors.ts";
import { HeaderFields } from "../../src/handshake/header_fields.ts";
import { parseRequestHead, requestFrom, type RequestHead } from "../../src/handshake/server.ts";

function parse(line: string, fields: [string, string][] = [["Host", "a.example"]]): RequestHead {
  return parseRequestHead(line, new HeaderFields(fields), new Uint8Array(0));
}

const targets: readonly { target: string; host: string; path: string }[] = [
  { target: "/", host: "a.example", path: "/" },
  { target: "/chat?room=1", host: "a.example", path: "/chat?room=1" },
  { target: "//evil.example/x", host: "a.example", path: "//evil.example/x" },
  { target: "http://b.example/chat?x", host: "b.example", path: "/chat?x" },
  { target: "HTTP://b.example:81", host: "b.example:81", path: "/" },
  { target: "https://b.example?x=1", host: "b.example", path: "/?x=1" },
  { target: "ws://b.example/", host: "b.example", path: "/" },
  { target: "wss://user@b.example/", host: "user@b.example", path: "/" },
  { target: "http://", host: "a.example", path: "http://" },
  { target: "ftp://b.example/", host: "a.example", path: "ftp://b.example/" },
  { target: "*", host: "a.example", path: "*" },
  { target: "b.example:443", host: "a.example", path: "b.example:443" },
];

for (const { target, host, path } of targets) {
  Deno.test(`the target ${target} requests ${path} at ${host}`, () => {
    const request = parse(`GET ${target} HTTP/1.1`);
    assert.equal(request.target, target);
    assert.equal(request.host, host);
    assert.equal(request.path, path);
    assert.equal(request.method, "GET");
    assert.equal(request.version, "HTTP/1.1");
  });
}

Deno.test("reads any valid method and HTTP version", () => {
  assert.equal(parse("M-SEARCH * HTTP/1.1").method, "M-SEARCH");
  assert.equal(parse("PRI * HTTP/2.0").version, "HTTP/2.0");
});

const malformedLines = [
  "",
  " ",
  "GET",
  "GET /",
  "GET HTTP/1.1",
  "GET  HTTP/1.1",
  "GET  / HTTP/1.1",
  "GET /  HTTP/1.1",
  " GET / HTTP/1.1",
  "GET / HTTP/1.1 ",
  "GET\t/ HTTP/1.1",
  "GET /a b HTTP/1.1",
  "GET /a\tb HTTP/1.1",
  "G(T / HTTP/1.1",
  "GET / http/1.1",
  "GET / HTTPS/1.1",
  "GET / HTTP/1",
  "GET / HTTP/1.10",
  "GET / HTTP/11.1",
  "GET / HTTP/1,1",
  "GET / HTTP/x.1",
  "GET / 1.1",
];

for (const line of malformedLines) {
  Deno.test(`rejects the request line ${JSON.stringify(line)} with 400`, () => {
    assert.throws(
      () => parse(line),
      { name: "HandshakeError", code: "HEAD_MALFORMED", status: 400 },
    );
  });
}

Deno.test("distinguishes upgrade requests from other requests", () => {
  const asks = (...fields: [string, string][]): boolean =>
    parse("GET / HTTP/1.1", fields).isUpgrade;
  assert.equal(asks(), false);
  assert.equal(asks(["Upgrade", "websocket"]), true);
  assert.equal(asks(["upgrade", "WebSocket"]), true);
  assert.equal(asks(["Upgrade", "h2c, websocket"]), true);
  assert.equal(asks(["Upgrade", "h2c"], ["Upgrade", "websocket"]), true);
  assert.equal(asks(["Upgrade", "h2c"]), false);
  assert.equal(asks(["Upgrade", "websocket2"]), false);
  assert.equal(asks(["Connection", "Upgrade"]), false);
});

Deno.test("the host is empty without a Host field", () => {
  assert.equal(parse("GET / HTTP/1.1", []).host, "");
});

Deno.test("a request parsed by another HTTP implementation produces the same head", () => {
  const rest = new Uint8Array([1]);
  const rawHeaders = ["Host", "a.example", "Upgrade", "websocket", "X-Empty", "", "x-empty", "1"];
  const head = requestFrom({ method: "GET", target: "/x", version: "HTTP/1.1", rawHeaders, rest });
  assert.equal(head.isUpgrade, true);
  assert.equal(head.host, "a.example");
  assert.equal(head.path, "/x");
  assert.equal(head.rest, rest);
  assert.deepEqual(head.fields.getAll("X-Empty"), ["", "1"]);
  assert.equal(
    requestFrom({ method: "GET", target: "/", version: "HTTP/1.1", rawHeaders }).rest.length,
    0,
  );
});

Deno.test("rejects invalid headers with 400, even if another HTTP implementation has accepted them", () => {
  const good = { method: "GET", target: "/", version: "HTTP/1.1", rawHeaders: ["Host", "a"] };
  const bad = [
    { ...good, rawHeaders: ["Sec-WebSocket-Protocol", "caf\u00e9"] },
    { ...good, rawHeaders: ["X-A", "a\0"] },
    { ...good, rawHeaders: ["X A", "a"] },
    { ...good, rawHeaders: ["", "a"] },
    { ...good, target: "/caf\u00e9" },
    { ...good, target: "" },
    { ...good, method: "G T" },
    { ...good, version: "1.1" },
  ];
  for (const request of bad) {
    assert.throws(() => requestFrom(request), (error) => {
      assert.ok(error instanceof HandshakeError, JSON.stringify(request));
      assert.equal(error.code, "HEAD_MALFORMED");
      assert.equal(error.status, 400);
      return true;
    });
  }
});
