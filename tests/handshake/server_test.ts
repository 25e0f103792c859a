import assert from "node:assert/strict";
import { HandshakeError } from "../../src/errors.ts";
import { errorResponse } from "../../src/handshake/response.ts";
import { checkUpgrade, ServerHandshake, type ServerRequest } from "../../src/handshake/server.ts";
import { Random } from "../support/random.ts";
import { bytesOf, feed, head, joined, replays, textOf } from "./replay.ts";
import { requestVectors, RFC_KEY } from "./vectors.ts";

/** The fields of a valid request, for tests that change one of them. */
const LEGAL: Readonly<Record<string, string>> = {
  Host: "a.example",
  Upgrade: "websocket",
  Connection: "Upgrade",
  "Sec-WebSocket-Key": RFC_KEY,
  "Sec-WebSocket-Version": "13",
};

/** Returns a request with changed fields (`undefined` removes one) and additional lines. */
function request(
  changes: Record<string, string | undefined> = {},
  lines: string[] = [],
  requestLine = "GET /chat HTTP/1.1",
): string {
  const fields = Object.entries({ ...LEGAL, ...changes })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}`);
  return head(requestLine, ...fields, ...lines);
}

function accept(text: string, chunks: Uint8Array[] = [bytesOf(text)]): ServerRequest {
  const handshake = new ServerHandshake();
  assert.equal(feed(handshake, chunks).complete, true);
  return checkUpgrade(handshake.request);
}

for (const { title, text, key, subprotocols, extensions } of requestVectors) {
  Deno.test(`accepts the request of ${title} for any chunk split`, () => {
    const frames = "\x81\x85abcd01234";
    for (const { title: cut, chunks } of replays(bytesOf(text + frames))) {
      const handshake = new ServerHandshake();
      const { complete, left } = feed(handshake, chunks);
      assert.equal(complete, true, cut);
      assert.equal(handshake.request.isUpgrade, true);
      const checked = checkUpgrade(handshake.request);
      assert.equal(checked.key, key, cut);
      assert.deepEqual(checked.subprotocols, subprotocols);
      assert.deepEqual(
        checked.extensions.map(({ name, parameters }) => [name, ...parameters.map((p) => p.name)]),
        extensions,
      );
      // Frames that the client sends before it has the response are kept.
      assert.equal(textOf(joined([checked.rest, ...left])), frames, cut);
    }
  });
}

/** Unusual but valid requests. */
const tolerated: readonly { title: string; text: string }[] = [
  {
    title: "Connection: keep-alive, Upgrade",
    text: request({ Connection: "keep-alive, Upgrade" }),
  },
  {
    title: "Connection over two lines",
    text: request({ Connection: "keep-alive" }, ["connection: upgrade"]),
  },
  { title: "Upgrade in capitals", text: request({ Upgrade: "WEBSOCKET" }) },
  { title: "Upgrade with another protocol", text: request({ Upgrade: "h2c, websocket" }) },
  { title: "Content-Length: 0", text: request({ "Content-Length": "0" }) },
  { title: "a Host with a port", text: request({ Host: "[::1]:8080" }) },
  {
    title: "a target in absolute form",
    text: request({}, [], "GET http://a.example/chat HTTP/1.1"),
  },
  {
    title: "an unknown extension",
    text: request({}, ['Sec-WebSocket-Extensions: x-unknown; a=1; b="c"']),
  },
  {
    title: "subprotocols over two lines",
    text: request({}, ["Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: b"]),
  },
  {
    title: "field names in lower case",
    text: request().toLowerCase().replace(
      /^get .*|key: .*/gm,
      (s) => s.startsWith("get") ? "GET /chat HTTP/1.1" : `key: ${RFC_KEY}`,
    ),
  },
];

for (const { title, text } of tolerated) {
  Deno.test(`accepts ${title}`, () => {
    assert.equal(accept(text).key, RFC_KEY);
  });
}

interface Refusal {
  title: string;
  text: string;
  code: string;
  status: number;
}

function refused(title: string, text: string, code: string, status: number): Refusal {
  return { title, text, code, status };
}

const VERSION = "Sec-WebSocket-Version";
const KEY = "Sec-WebSocket-Key";
const PROTOCOL = "Sec-WebSocket-Protocol";
const EXTENSIONS = "Sec-WebSocket-Extensions";

const refusals: readonly Refusal[] = [
  refused("POST", request({}, [], "POST / HTTP/1.1"), "METHOD_NOT_ALLOWED", 405),
  refused("HEAD", request({}, [], "HEAD / HTTP/1.1"), "METHOD_NOT_ALLOWED", 405),
  refused("get in lower case", request({}, [], "get / HTTP/1.1"), "METHOD_NOT_ALLOWED", 405),
  refused("HTTP/1.0", request({}, [], "GET / HTTP/1.0"), "HTTP_VERSION", 505),
  refused("HTTP/2.0", request({}, [], "GET / HTTP/2.0"), "HTTP_VERSION", 505),
  refused("HTTP/0.9", request({}, [], "GET / HTTP/0.9"), "HTTP_VERSION", 505),
  refused("HTTP/1.2", request({}, [], "GET / HTTP/1.2"), "HTTP_VERSION", 505),
  refused("the target *", request({}, [], "GET * HTTP/1.1"), "HEAD_MALFORMED", 400),
  refused("a fragment", request({}, [], "GET /#a HTTP/1.1"), "HEAD_MALFORMED", 400),
  refused("a target that is not a path", request({}, [], "GET a HTTP/1.1"), "HEAD_MALFORMED", 400),
  refused("no Host", request({ Host: undefined }), "HOST_INVALID", 400),
  refused("an empty Host", request({ Host: "" }), "HOST_INVALID", 400),
  refused("a second Host", request({}, ["host: b.example"]), "HOST_INVALID", 400),
  refused("the same Host twice", request({}, ["Host: a.example"]), "HOST_INVALID", 400),
  refused("a Host list", request({ Host: "a.example, b.example" }), "HOST_INVALID", 400),
  refused("a Host with a path", request({ Host: "a.example/b" }), "HOST_INVALID", 400),
  refused("a Host with user information", request({ Host: "a@b.example" }), "HOST_INVALID", 400),
  refused(
    "user information in the target",
    request({}, [], "GET http://a@b.example/ HTTP/1.1"),
    "HOST_INVALID",
    400,
  ),
  refused("Content-Length: 5", request({ "Content-Length": "5" }), "BODY_NOT_ALLOWED", 400),
  refused("Content-Length: +0", request({ "Content-Length": "+0" }), "BODY_NOT_ALLOWED", 400),
  refused("an empty Content-Length", request({ "Content-Length": "" }), "BODY_NOT_ALLOWED", 400),
  refused(
    "two Content-Lengths",
    request({}, ["Content-Length: 0", "Content-Length: 5"]),
    "BODY_NOT_ALLOWED",
    400,
  ),
  refused(
    "Transfer-Encoding: chunked",
    request({ "Transfer-Encoding": "chunked" }),
    "BODY_NOT_ALLOWED",
    400,
  ),
  refused(
    "Transfer-Encoding: identity",
    request({ "Transfer-Encoding": "identity" }),
    "BODY_NOT_ALLOWED",
    400,
  ),
  refused("no Upgrade", request({ Upgrade: undefined }), "UPGRADE_MISSING", 426),
  refused("Upgrade: h2c", request({ Upgrade: "h2c" }), "UPGRADE_MISSING", 426),
  refused("Upgrade: websockets", request({ Upgrade: "websockets" }), "UPGRADE_MISSING", 426),
  refused("an empty Upgrade", request({ Upgrade: "" }), "UPGRADE_MISSING", 426),
  refused("no Connection", request({ Connection: undefined }), "CONNECTION_MISSING", 400),
  refused(
    "Connection: keep-alive",
    request({ Connection: "keep-alive" }),
    "CONNECTION_MISSING",
    400,
  ),
  refused("Connection: Upgraded", request({ Connection: "Upgraded" }), "CONNECTION_MISSING", 400),
  refused("no key", request({ [KEY]: undefined }), "KEY_INVALID", 400),
  refused("an empty key", request({ [KEY]: "" }), "KEY_INVALID", 400),
  refused("the key x", request({ [KEY]: "x" }), "KEY_INVALID", 400),
  refused("a key of 15 bytes", request({ [KEY]: "AAAAAAAAAAAAAAAAAAAA" }), "KEY_INVALID", 400),
  refused("a key of 17 bytes", request({ [KEY]: "AAAAAAAAAAAAAAAAAAAAAAA=" }), "KEY_INVALID", 400),
  refused(
    "a key that is not base64",
    request({ [KEY]: "!".repeat(22) + "==" }),
    "KEY_INVALID",
    400,
  ),
  refused("two keys", request({}, [`${KEY}: ${RFC_KEY}`]), "KEY_INVALID", 400),
  refused("no version", request({ [VERSION]: undefined }), "VERSION_UNSUPPORTED", 426),
  refused("an empty version", request({ [VERSION]: "" }), "VERSION_UNSUPPORTED", 426),
  refused("version 8", request({ [VERSION]: "8" }), "VERSION_UNSUPPORTED", 426),
  refused("version 14", request({ [VERSION]: "14" }), "VERSION_UNSUPPORTED", 426),
  refused("version 013", request({ [VERSION]: "013" }), "VERSION_UNSUPPORTED", 426),
  refused("two versions in a list", request({ [VERSION]: "13, 8" }), "VERSION_UNSUPPORTED", 426),
  refused("two version lines", request({}, [`${VERSION}: 8`]), "VERSION_UNSUPPORTED", 426),
  refused("no subprotocol", request({ [PROTOCOL]: "" }), "HEAD_MALFORMED", 400),
  refused("a bad subprotocol", request({ [PROTOCOL]: "a b" }), "HEAD_MALFORMED", 400),
  refused("a quoted subprotocol", request({ [PROTOCOL]: '"a"' }), "HEAD_MALFORMED", 400),
  refused(
    "a subprotocol twice over two lines",
    request({ [PROTOCOL]: "a" }, [`${PROTOCOL}: b, a`]),
    "HEAD_MALFORMED",
    400,
  ),
  refused("no extension", request({ [EXTENSIONS]: "" }), "HEAD_MALFORMED", 400),
  refused("a bad extension", request({ [EXTENSIONS]: "a; =1" }), "HEAD_MALFORMED", 400),
  refused("an open quote", request({ [EXTENSIONS]: 'a; b="1' }), "HEAD_MALFORMED", 400),
  refused("a non-ASCII field value", request({ [PROTOCOL]: "caf\xe9" }), "HEAD_MALFORMED", 400),
  refused("a malformed request line", request({}, [], "GET /"), "HEAD_MALFORMED", 400),
  refused("a version without a number", request({}, [], "GET / HTTP/x"), "HEAD_MALFORMED", 400),
];

for (const { title, text, code, status } of refusals) {
  Deno.test(`rejects ${title} with ${status} for any chunk split`, () => {
    for (const { title: cut, chunks } of replays(bytesOf(text))) {
      assert.throws(() => accept(text, chunks), (error) => {
        assert.ok(error instanceof HandshakeError, String(error));
        assert.equal(error.code, code, `${cut}: ${error.message}`);
        assert.equal(error.status, status);
        assert.ok(error.message.length > 0 && !error.message.includes("\n"));
        return true;
      });
    }
  });
}

/** Returns the header fields of the response that rejects a request. */
function answerFields(text: string): [string, string][] {
  try {
    accept(text);
  } catch (error) {
    assert.ok(error instanceof HandshakeError && error.headers !== undefined, String(error));
    return [...error.headers];
  }
  assert.fail("the request was accepted");
}

Deno.test("405 has an Allow field", () => {
  assert.deepEqual(
    answerFields(request({}, [], "PUT / HTTP/1.1")),
    [["allow", "GET"], ["connection", "close"]],
  );
});

Deno.test("426 for a wrong version or a missing Upgrade names the supported protocol and version", () => {
  const expected = [
    ["upgrade", "websocket"],
    ["connection", "Upgrade, close"],
    ["sec-websocket-version", "13"],
  ];
  assert.deepEqual(answerFields(request({ [VERSION]: "8" })), expected);
  assert.deepEqual(answerFields(request({ [VERSION]: undefined })), expected);
  assert.deepEqual(answerFields(request({ Upgrade: undefined })), expected);
});

Deno.test("every rejection closes the connection, so that a smuggled request is not read", () => {
  for (const { title, text, status } of refusals) {
    const handshake = new ServerHandshake();
    let answer = "";
    try {
      handshake.push(bytesOf(text + "GET /smuggled HTTP/1.1\r\n\r\n"));
      checkUpgrade(handshake.request);
    } catch (error) {
      assert.ok(error instanceof HandshakeError, title);
      answer = textOf(errorResponse(error));
    }
    assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), `${title}: ${answer}`);
    assert.match(answer, /\r\nConnection: (Upgrade, )?close\r\n/, title);
  }
});

Deno.test("reports a plain HTTP request with the data needed to answer it", () => {
  const text = head("GET /health?deep HTTP/1.1", "Host: a.example", "Accept: */*");
  const handshake = new ServerHandshake();
  assert.equal(handshake.push(bytesOf(text + "next")), true);
  const { method, path, host, fields, isUpgrade, rest } = handshake.request;
  assert.equal(isUpgrade, false);
  assert.equal(method, "GET");
  assert.equal(path, "/health?deep");
  assert.equal(host, "a.example");
  assert.equal(fields.get("accept"), "*/*");
  assert.equal(textOf(rest), "next");
});

Deno.test("provides the Origin, the host and the path of the request", () => {
  const checked = accept(request({ Origin: "https://b.example" }, [], "GET /a?b HTTP/1.1"));
  assert.equal(checked.fields.get("origin"), "https://b.example");
  assert.equal(checked.host, "a.example");
  assert.equal(checked.path, "/a?b");
  assert.equal(checked.target, "/a?b");
});

Deno.test("passes frames sent right after the request to the frame reader, byte for byte", () => {
  const frames = Uint8Array.from({ length: 256 }, (_, i) => i);
  const handshake = new ServerHandshake();
  assert.equal(handshake.push(joined([bytesOf(request()), frames])), true);
  assert.deepEqual(checkUpgrade(handshake.request).rest, frames);
});

Deno.test("applies the handshake limits to the head and rejects with 431", () => {
  const tooMany = new ServerHandshake({ maxLines: 4 });
  assert.throws(() => tooMany.push(bytesOf(request())), { code: "HEAD_TOO_LARGE", status: 431 });
  const tooLong = new ServerHandshake({ maxBytes: 64 });
  assert.throws(() => tooLong.push(bytesOf(request())), { code: "HEAD_TOO_LARGE", status: 431 });
});

Deno.test("the request is not available before its head is complete", () => {
  assert.throws(() => new ServerHandshake().request, TypeError);
});

Deno.test("random bytes and mutated requests produce a valid request or a HandshakeError", () => {
  const legal = bytesOf(requestVectors[1].text);
  let accepted = 0;
  const random = new Random(1);
  for (let round = 0; round < 4000; round++) {
    const bytes = legal.slice();
    for (let i = random.below(4); i >= 0; i--) {
      bytes[random.below(bytes.length)] = random.below(256);
    }
    try {
      const handshake = new ServerHandshake();
      if (handshake.push(bytes)) {
        checkUpgrade(handshake.request);
        accepted++;
      }
    } catch (error) {
      assert.ok(error instanceof HandshakeError, String(error));
    }
  }
  assert.ok(accepted > 0);
});
