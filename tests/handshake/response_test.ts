import assert from "node:assert/strict";
import { HandshakeError } from "../../src/errors.ts";
import { HttpHeadReader } from "../../src/handshake/http_head.ts";
import { acceptResponse, errorResponse, refusalResponse } from "../../src/handshake/response.ts";
import { checkUpgrade, ServerHandshake } from "../../src/handshake/server.ts";
import { bytesOf, head, textOf } from "./replay.ts";
import { RFC_ACCEPT, RFC_KEY } from "./vectors.ts";

const PLAIN = [
  "HTTP/1.1 101 Switching Protocols",
  "Upgrade: websocket",
  "Connection: Upgrade",
  `Sec-WebSocket-Accept: ${RFC_ACCEPT}`,
];

Deno.test("101 has exactly the fields that RFC 6455 4.2.2 requires", () => {
  assert.equal(textOf(acceptResponse({ key: RFC_KEY })), head(...PLAIN));
  assert.equal(textOf(acceptResponse({ key: RFC_KEY, extensions: "" })), head(...PLAIN));
});

Deno.test("101 contains the chosen subprotocol, the accepted extensions and the user's fields", () => {
  const bytes = acceptResponse({
    key: RFC_KEY,
    subprotocol: "v2",
    subprotocols: ["v1", "v2"],
    extensions: "permessage-deflate; server_no_context_takeover",
    headers: [["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]],
  });
  assert.equal(
    textOf(bytes),
    head(
      ...PLAIN,
      "Sec-WebSocket-Protocol: v2",
      "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover",
      "Set-Cookie: a=1",
      "Set-Cookie: b=2",
    ),
  );
});

Deno.test("never selects a subprotocol that the client did not request", () => {
  assert.throws(
    () => acceptResponse({ key: RFC_KEY, subprotocol: "v3", subprotocols: ["v1", "v2"] }),
    { name: "TypeError", message: 'subprotocol is "v3", which the client did not request' },
  );
  assert.throws(
    () => acceptResponse({ key: RFC_KEY, subprotocol: "v1", subprotocols: [] }),
    TypeError,
  );
});

Deno.test("rejects line breaks and control characters in the fields of a response", () => {
  for (const bad of ["\r", "\n", "\0", "\r\nX: y", "\x7f", "\u00e9"]) {
    const writers = [
      () => acceptResponse({ key: RFC_KEY, subprotocol: `a${bad}` }),
      () => acceptResponse({ key: RFC_KEY, extensions: `a${bad}` }),
      () => acceptResponse({ key: RFC_KEY, headers: [[`X${bad}`, "1"]] }),
      () => acceptResponse({ key: RFC_KEY.slice(1) + bad }),
      () => refusalResponse({ status: 403, headers: [[`X${bad}`, "1"]] }),
    ];
    for (const write of writers) assert.throws(write, TypeError, JSON.stringify(bad));
  }
  // Obs-text is allowed in field values.
  for (const bad of ["\r", "\n", "\0", "\r\nX: y", "\x7f", "\u0100"]) {
    const headers: [string, string][] = [["X", `1${bad}`]];
    const writers = [
      () => acceptResponse({ key: RFC_KEY, headers }),
      () => refusalResponse({ status: 403, headers }),
    ];
    for (const write of writers) assert.throws(write, TypeError, JSON.stringify(bad));
  }
});

const reserved: readonly [name: string, message: RegExp][] = [
  ["Upgrade", /the opening handshake sets it/],
  ["Connection", /the opening handshake sets it/],
  ["SEC-WEBSOCKET-ACCEPT", /the opening handshake sets it/],
  ["Sec-WebSocket-Key", /only a client sends it/],
  ["sec-websocket-protocol", /the option subprotocol/],
  ["Sec-WebSocket-Extensions", /the option compression/],
  ["Content-Length", /the length of the body sets it/],
  ["Transfer-Encoding", /the body is sent in one piece/],
];

for (const [name, message] of reserved) {
  Deno.test(`rejects ${name} in the headers of a response, and the error names the alternative`, () => {
    const headers: [string, string][] = [[name, "1"]];
    const expected = { name: "TypeError", message };
    assert.throws(() => acceptResponse({ key: RFC_KEY, headers }), expected);
    assert.throws(() => refusalResponse({ status: 400, headers }), expected);
  });
}

Deno.test("a rejection has Content-Length, Content-Type and Connection: close", () => {
  assert.equal(
    textOf(refusalResponse({ status: 403, body: "No.\n" })),
    head(
      "HTTP/1.1 403 Forbidden",
      "Connection: close",
      "Content-Type: text/plain; charset=utf-8",
      "Content-Length: 4",
    ) + "No.\n",
  );
});

Deno.test("a rejection without a body has Content-Length 0", () => {
  assert.ok(textOf(refusalResponse({ status: 404 })).endsWith("Content-Length: 0\r\n\r\n"));
});

Deno.test("the body of a rejection is UTF-8, and its length is in bytes", () => {
  const text = textOf(refusalResponse({ status: 400, body: "\u00e9" }));
  assert.ok(text.endsWith("Content-Length: 2\r\n\r\n\xc3\xa9"), text);
});

Deno.test("the user's Content-Type replaces the default, and the fields may come from an iterator", () => {
  function* headers(): Generator<[string, string]> {
    yield ["content-type", "application/json"];
    yield ["Retry-After", "5"];
  }
  assert.equal(
    textOf(refusalResponse({ status: 503, headers: headers(), body: bytesOf("{}") })),
    head(
      "HTTP/1.1 503 Service Unavailable",
      "Connection: close",
      "content-type: application/json",
      "Retry-After: 5",
      "Content-Length: 2",
    ) + "{}",
  );
});

Deno.test("426 has an Upgrade field", () => {
  assert.ok(
    textOf(refusalResponse({ status: 426 }))
      .includes("\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n"),
  );
});

Deno.test("a status without a standard reason phrase keeps the space before it", () => {
  assert.ok(textOf(refusalResponse({ status: 599 })).startsWith("HTTP/1.1 599 \r\n"));
});

Deno.test("rejects 101, statuses below 200 and statuses above 599 for a rejection", () => {
  for (const status of [0, 99, 100, 101, 103, 199, 600, 1000, -403, 403.5, NaN, "403"]) {
    assert.throws(() => refusalResponse({ status: status as number }), {
      name: "RangeError",
      message: `status is ${status}: it must be from 200 to 599`,
    });
  }
});

Deno.test("204 and 304 have no body and no Content-Length", () => {
  for (const status of [204, 304]) {
    const text = textOf(refusalResponse({ status, body: "" }));
    assert.ok(!text.includes("Content-"), text);
    assert.throws(() => refusalResponse({ status, body: "x" }), {
      name: "TypeError",
      message: `body is not empty: status ${status} has no body`,
    });
  }
});

Deno.test("a response to HEAD has the Content-Length of the body, but no body", () => {
  const text = textOf(refusalResponse({ status: 200, body: "hello", omitBody: true }));
  assert.ok(text.endsWith("Content-Length: 5\r\n\r\n"), text);
});

function refusalOf(text: string): HandshakeError {
  try {
    const handshake = new ServerHandshake();
    assert.equal(handshake.push(bytesOf(text)), true);
    checkUpgrade(handshake.request);
  } catch (error) {
    assert.ok(error instanceof HandshakeError, String(error));
    return error;
  }
  assert.fail("the request was accepted");
}

Deno.test("a handshake error becomes a response with its status, fields and message", () => {
  const error = refusalOf(head("GET / HTTP/1.1", "Host: a.example"));
  const body = error.message + "\n";
  assert.equal(
    textOf(errorResponse(error)),
    head(
      "HTTP/1.1 426 Upgrade Required",
      "Upgrade: websocket",
      "Connection: Upgrade, close",
      "Sec-WebSocket-Version: 13",
      "Content-Type: text/plain; charset=utf-8",
      `Content-Length: ${body.length}`,
    ) + body,
  );
});

Deno.test("an error of the head reader becomes a response that closes the connection", () => {
  for (
    const [text, status] of [["GET / HTTP/1.1\n", "400 Bad Request"], [
      "A".repeat(20000),
      "431 Request Header Fields Too Large",
    ]]
  ) {
    const answer = textOf(errorResponse(refusalOf(text)));
    assert.ok(answer.startsWith(`HTTP/1.1 ${status}\r\nConnection: close\r\n`), answer);
  }
});

Deno.test("the error response to HEAD has no body, and an error without a status becomes 400", () => {
  const error = refusalOf(head("HEAD / HTTP/1.1", "Host: a.example"));
  const text = textOf(errorResponse(error, "HEAD"));
  assert.ok(text.includes("\r\nAllow: GET\r\n") && text.endsWith("\r\n\r\n"), text);
  assert.ok(
    textOf(errorResponse(new HandshakeError("ORIGIN_REFUSED", "No"))).startsWith("HTTP/1.1 400 "),
  );
});

Deno.test("the library's client can read every response", () => {
  const answers = [
    acceptResponse({ key: RFC_KEY, subprotocol: "a", headers: [["X", "y"]] }),
    refusalResponse({ status: 403, body: "No" }),
    refusalResponse({ status: 304 }),
    errorResponse(refusalOf(head("PUT / HTTP/1.1"))),
  ];
  for (const bytes of answers) {
    const reader = new HttpHeadReader();
    assert.equal(reader.push(bytes), true);
    assert.equal(reader.fields.has("connection"), true);
  }
});
