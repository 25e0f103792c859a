import assert from "node:assert/strict";
import { ConnectionError, HandshakeError } from "../../src/errors.ts";
import {
  ClientHandshake,
  type ClientHandshakeOptions,
  MAX_BODY_START,
  MAX_INTERIM_RESPONSES,
} from "../../src/handshake/client.ts";
import { acceptResponse, refusalResponse } from "../../src/handshake/response.ts";
import { Random } from "../support/random.ts";
import { bytesOf, feed, head, joined, replays, textOf } from "./replay.ts";
import { RFC_ACCEPT, RFC_KEY } from "./vectors.ts";

const plain: ClientHandshakeOptions = { key: RFC_KEY };
const asking: ClientHandshakeOptions = {
  key: RFC_KEY,
  subprotocols: ["v2", "v1"],
  offeredExtensions: ["permessage-deflate"],
};

/** The fields of a valid response, for tests that change one of them. */
const LEGAL: Readonly<Record<string, string>> = {
  Upgrade: "websocket",
  Connection: "Upgrade",
  "Sec-WebSocket-Accept": RFC_ACCEPT,
};

function answer(
  changes: Record<string, string | undefined> = {},
  lines: string[] = [],
  statusLine = "HTTP/1.1 101 Switching Protocols",
): string {
  const fields = Object.entries({ ...LEGAL, ...changes })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}`);
  return head(statusLine, ...fields, ...lines);
}

/** Returns the error of a handshake whose stream ends after the chunks. */
function failureOf(options: ClientHandshakeOptions, chunks: Uint8Array[]): HandshakeError {
  const handshake = new ClientHandshake(options);
  try {
    feed(handshake, chunks);
    handshake.finish();
  } catch (error) {
    assert.ok(error instanceof HandshakeError, String(error));
    return error;
  }
  assert.fail("the response was accepted");
}

/** Responses that open the connection. */
const accepted: readonly { title: string; text: string }[] = [
  { title: "from the quickws server", text: textOf(acceptResponse(plain)) },
  {
    title: "from a server that writes field names in lower case",
    text: answer().replace(/^[\w-]+(?=:)/gm, (n) => n.toLowerCase()),
  },
  {
    title: "from ws",
    text: head(
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Accept: ${RFC_ACCEPT}`,
    ),
  },
  {
    title: "from a server behind nginx",
    text: head(
      "HTTP/1.1 101 Switching Protocols",
      "Server: nginx/1.27.3",
      "Date: Sat, 22 Nov 2025 16:50:00 GMT",
      "Connection: upgrade",
      "upgrade: WebSocket",
      `sec-websocket-accept: ${RFC_ACCEPT}`,
    ),
  },
  {
    title: "with a list in Connection",
    text: answer({ Connection: "keep-alive, Upgrade" }),
  },
  { title: "without a reason phrase", text: answer({}, [], "HTTP/1.1 101 ") },
  { title: "without a reason phrase or space", text: answer({}, [], "HTTP/1.1 101") },
  {
    title: "with another reason phrase",
    text: answer({}, [], "HTTP/1.1 101 Web Socket\tHandshake"),
  },
  { title: "with Content-Length: 0", text: answer({ "Content-Length": "0" }) },
  {
    title: "from a server that sends interim responses first",
    text: head("HTTP/1.1 103 Early Hints", "Link: </a>") + head("HTTP/1.1 100 Continue") + answer(),
  },
];

for (const { title, text } of accepted) {
  Deno.test(`accepts a response ${title} for any chunk split`, () => {
    const frames = "\x81\x05hello";
    for (const { title: cut, chunks } of replays(bytesOf(text + frames))) {
      const handshake = new ClientHandshake(asking);
      const { complete, left } = feed(handshake, chunks);
      assert.equal(complete, true, cut);
      assert.equal(handshake.status, 101);
      assert.equal(handshake.protocol, "");
      assert.equal(handshake.extensions, "");
      assert.deepEqual(handshake.acceptedExtensions, []);
      assert.equal(handshake.fields.get("sec-websocket-accept"), RFC_ACCEPT);
      // The server's first frames may arrive together with its response.
      assert.equal(textOf(joined([handshake.rest, ...left])), frames, cut);
      handshake.finish();
    }
  });
}

Deno.test("reports the subprotocol and the extensions that the server chose", () => {
  const extensions = "permessage-deflate; server_max_window_bits=12";
  const handshake = new ClientHandshake(asking);
  assert.equal(
    handshake.push(acceptResponse({ key: RFC_KEY, subprotocol: "v1", extensions })),
    true,
  );
  assert.equal(handshake.protocol, "v1");
  assert.equal(handshake.extensions, extensions);
  assert.deepEqual(handshake.acceptedExtensions, [{
    name: "permessage-deflate",
    parameters: [{ name: "server_max_window_bits", value: "12", quoted: false }],
  }]);
});

const PROTOCOL = "Sec-WebSocket-Protocol";
const EXTENSIONS = "Sec-WebSocket-Extensions";
const ACCEPT = "Sec-WebSocket-Accept";
const DEFLATE = "permessage-deflate";

interface Refusal {
  title: string;
  text: string;
  code: string;
  /** The status of the response, or {@linkcode NONE}. */
  status: number;
  options?: ClientHandshakeOptions;
}

function refused(
  title: string,
  text: string,
  code: string,
  status = 101,
  options: ClientHandshakeOptions = asking,
): Refusal {
  return { title, text, code, status, options };
}

/** The response ended before its status line was complete. */
const NONE = 0;
const HTTP_1_0 = "HTTP/1.0 101 Switching Protocols";

const refusals: readonly Refusal[] = [
  refused("no Upgrade", answer({ Upgrade: undefined }), "UPGRADE_MISSING"),
  refused("Upgrade: h2c", answer({ Upgrade: "h2c" }), "UPGRADE_MISSING"),
  refused("no Connection", answer({ Connection: undefined }), "CONNECTION_MISSING"),
  refused("Connection: close", answer({ Connection: "close" }), "CONNECTION_MISSING"),
  refused("no accept value", answer({ [ACCEPT]: undefined }), "ACCEPT_INVALID"),
  refused("an empty accept value", answer({ [ACCEPT]: "" }), "ACCEPT_INVALID"),
  refused("the key as accept value", answer({ [ACCEPT]: RFC_KEY }), "ACCEPT_INVALID"),
  refused(
    "an accept value in another case",
    answer({ [ACCEPT]: RFC_ACCEPT.toLowerCase() }),
    "ACCEPT_INVALID",
  ),
  refused("a duplicate accept value", answer({}, [`${ACCEPT}: ${RFC_ACCEPT}`]), "ACCEPT_INVALID"),
  refused(
    "an additional wrong accept value",
    answer({}, [`${ACCEPT}: ${RFC_KEY}`]),
    "ACCEPT_INVALID",
  ),
  refused(
    "a subprotocol that was not requested",
    answer({ [PROTOCOL]: "v1" }),
    "SUBPROTOCOL_UNEXPECTED",
    101,
    plain,
  ),
  refused("another subprotocol", answer({ [PROTOCOL]: "v3" }), "SUBPROTOCOL_UNEXPECTED"),
  refused("a subprotocol in another case", answer({ [PROTOCOL]: "V1" }), "SUBPROTOCOL_UNEXPECTED"),
  refused("an empty subprotocol", answer({ [PROTOCOL]: "" }), "SUBPROTOCOL_UNEXPECTED"),
  refused("a list of subprotocols", answer({ [PROTOCOL]: "v1, v2" }), "SUBPROTOCOL_UNEXPECTED"),
  refused(
    "two subprotocol lines",
    answer({ [PROTOCOL]: "v1" }, [`${PROTOCOL}: v1`]),
    "SUBPROTOCOL_UNEXPECTED",
  ),
  refused(
    "an extension when none was offered",
    answer({ [EXTENSIONS]: DEFLATE }),
    "EXTENSION_UNEXPECTED",
    101,
    plain,
  ),
  refused("another extension", answer({ [EXTENSIONS]: "x-webkit" }), "EXTENSION_UNEXPECTED"),
  refused(
    "an additional extension",
    answer({ [EXTENSIONS]: `${DEFLATE}, x-other` }),
    "EXTENSION_UNEXPECTED",
  ),
  refused(
    "a duplicate extension",
    answer({ [EXTENSIONS]: `${DEFLATE}, ${DEFLATE}` }),
    "EXTENSION_UNEXPECTED",
  ),
  refused(
    "two extension lines",
    answer({ [EXTENSIONS]: DEFLATE }, [`${EXTENSIONS}: ${DEFLATE}`]),
    "EXTENSION_UNEXPECTED",
  ),
  refused("a malformed extension", answer({ [EXTENSIONS]: `${DEFLATE}; =` }), "HEAD_MALFORMED"),
  refused("an empty extension list", answer({ [EXTENSIONS]: "" }), "HEAD_MALFORMED"),
  refused("a body on 101", answer({ "Content-Length": "5" }), "HEAD_MALFORMED"),
  refused("chunks on 101", answer({ "Transfer-Encoding": "chunked" }), "HEAD_MALFORMED"),
  refused("101 with HTTP/1.0", answer({}, [], HTTP_1_0), "HTTP_VERSION"),
  refused("no status line", answer({}, [], "hello"), "HEAD_MALFORMED", NONE),
  refused("a request line", answer({}, [], "GET / HTTP/1.1"), "HEAD_MALFORMED", NONE),
  refused("HTTP/2.0", answer({}, [], "HTTP/2.0 101 X"), "HEAD_MALFORMED", NONE),
  refused("HTTP/1.x", answer({}, [], "HTTP/1.x 101 X"), "HEAD_MALFORMED", NONE),
  refused("two spaces", answer({}, [], "HTTP/1.1  101 X"), "HEAD_MALFORMED", NONE),
  refused("status 10", answer({}, [], "HTTP/1.1 10"), "HEAD_MALFORMED", NONE),
  refused("status 1010", answer({}, [], "HTTP/1.1 1010"), "HEAD_MALFORMED", NONE),
  refused("status +101", answer({}, [], "HTTP/1.1 +10 X"), "HEAD_MALFORMED", NONE),
  refused("status 099", answer({}, [], "HTTP/1.1 099 X"), "HEAD_MALFORMED", NONE),
  refused("a bare LF", "HTTP/1.1 101 X\n\n", "HEAD_MALFORMED", NONE),
  refused("a non-ASCII byte", answer({ [PROTOCOL]: "caf\xe9" }), "HEAD_MALFORMED", NONE),
  refused(
    "an oversized head",
    answer({ "X-A": "a".repeat(300) }),
    "HEAD_TOO_LARGE",
    NONE,
    { ...plain, maxBytes: 300 },
  ),
  refused(
    "too many lines",
    answer({ "X-A": "1" }),
    "HEAD_TOO_LARGE",
    NONE,
    { ...plain, maxLines: 3 },
  ),
  refused(
    "too many interim responses",
    head("HTTP/1.1 102 Processing").repeat(MAX_INTERIM_RESPONSES + 1) + answer(),
    "STATUS_UNEXPECTED",
    102,
  ),
];

for (const { title, text, code, status, options } of refusals) {
  Deno.test(`rejects ${title} in the response for any chunk split`, () => {
    for (const { title: cut, chunks } of replays(bytesOf(text))) {
      const error = failureOf(options ?? asking, chunks);
      assert.equal(error.code, code, `${cut}: ${error.message}`);
      // The error has the status that the server sent.
      assert.equal(error.status ?? NONE, status, cut);
      if (status !== NONE) assert.ok(error.headers, cut);
    }
  });
}

Deno.test("skips interim responses up to the limit", () => {
  const text = head("HTTP/1.1 102 Processing").repeat(MAX_INTERIM_RESPONSES) + answer();
  const handshake = new ClientHandshake(plain);
  assert.equal(handshake.push(bytesOf(text)), true);
});

const unexpected: readonly { title: string; text: string; message: RegExp; body: string }[] = [
  {
    title: "a rejection by the quickws server",
    text: textOf(refusalResponse({ status: 403, body: "Not from here\n" })),
    message:
      /^The server answered 403 Forbidden, not 101 Switching Protocols\. Response body: Not from here$/,
    body: "Not from here\n",
  },
  {
    title: "a chunked rejection on a persistent connection",
    text: head("HTTP/1.1 404 Not Found", "Transfer-Encoding: chunked") + "4\r\nNope\r\n0\r\n\r\n",
    message: /^The server answered 404 Not Found, not/,
    body: "Nope",
  },
  {
    title: "a rejection delimited by the end of the connection",
    text: head("HTTP/1.0 500 Oh", "Server: x") + "It broke",
    message: /^The server answered 500 Oh, not/,
    body: "It broke",
  },
  {
    title: "a rejection whose body is truncated",
    text: head("HTTP/1.1 502 Bad Gateway", "Content-Length: 100") + "<html>",
    message: /502/,
    body: "<html>",
  },
  {
    title: "a rejection with a long body",
    text: head("HTTP/1.1 400 Bad Request", "Content-Length: 5000") + "y".repeat(5000),
    message: /400/,
    body: "y".repeat(MAX_BODY_START),
  },
  {
    title: "a rejection after an interim response",
    text: head("HTTP/1.1 103 Early Hints") + head("HTTP/1.1 401 No", "Content-Length: 0"),
    message: /^The server answered 401 No, not/,
    body: "",
  },
  {
    title: "a page",
    text: head("HTTP/1.1 200", "Content-Length: 2") + "hi",
    message:
      /^The server answered 200, not 101 .*: the URL is not a WebSocket endpoint\. .*\. Response body: hi$/,
    body: "hi",
  },
  {
    title: "a body with terminal escape sequences",
    text: head("HTTP/1.1 403 No", "Content-Length: 9") + "\x1b[2J\x07a\r\nb",
    message: /\. Response body: \[2J a b$/,
    body: "\x1b[2J\x07a\r\nb",
  },
  {
    title: "a redirect with a token",
    text: head("HTTP/1.1 302 Found", "Location: /login?token=secret#x", "Content-Length: 0"),
    message: /: it redirects to \/login\?\*\*\*, and redirects are not followed$/,
    body: "",
  },
  {
    title: "an unassigned status",
    text: head("HTTP/1.1 999 Denied", "Content-Length: 0"),
    message: /^The server answered 999 Denied, not/,
    body: "",
  },
  {
    title: "a redirect",
    text: head("HTTP/1.1 301 Moved", "Location: wss://b.example/x", "Content-Length: 0"),
    message: /301 Moved, not .*: it redirects to wss:\/\/b\.example\/x, and redirects are not foll/,
    body: "",
  },
  {
    title: "a long reason phrase",
    text: head(`HTTP/1.1 403 ${"z".repeat(500)}`, "Content-Length: 0"),
    message: /403 z{200}\.\.\., not/,
    body: "",
  },
];

for (const { title, text, message, body } of unexpected) {
  Deno.test(`reports the status, the fields and the start of the body of ${title}`, () => {
    // Splitting a long body at every offset would only repeat the same case.
    const all = [...replays(bytesOf(text))];
    for (const { title: cut, chunks } of all.length > 1000 ? all.slice(0, 100) : all) {
      const error = failureOf(plain, chunks);
      assert.equal(error.code, "STATUS_UNEXPECTED", cut);
      assert.match(error.message, message, cut);
      assert.equal(error.body, body, cut);
      assert.ok(error.status !== undefined && error.status >= 200 && error.headers, cut);
    }
  });
}

Deno.test("does not wait after the body of a rejection", () => {
  const handshake = new ClientHandshake(plain);
  const text = head("HTTP/1.1 403 Forbidden", "Content-Length: 2");
  assert.equal(handshake.push(bytesOf(text)), false);
  // If the timeout expires here, finish() reports the status, which is more informative than a
  // timeout error.
  assert.equal(handshake.status, 403);
  assert.equal(handshake.push(bytesOf("N")), false);
  assert.throws(() => handshake.push(bytesOf("o")), { code: "STATUS_UNEXPECTED", body: "No" });
});

Deno.test("reports a disconnection if the stream ends before or inside the head", () => {
  const silent = new ClientHandshake(plain);
  assert.throws(() => silent.finish(), (error) => {
    assert.ok(error instanceof ConnectionError);
    assert.equal(error.code, "CONNECTION_LOST");
    assert.match(error.message, /before the server answered/);
    return true;
  });
  const cut = new ClientHandshake(plain);
  cut.push(bytesOf("HTTP/1.1 101"));
  assert.throws(() => cut.finish(), {
    name: "ConnectionError",
    message: "The connection ended inside the server's response, after 12 bytes",
  });
  assert.throws(() => cut.push(bytesOf(" X\r\n\r\n")), { name: "ConnectionError" });
});

Deno.test("a failed handshake throws the same error again", () => {
  const handshake = new ClientHandshake(plain);
  let failure: unknown;
  try {
    handshake.push(bytesOf(answer({ Upgrade: undefined })));
  } catch (error) {
    failure = error;
  }
  assert.ok(failure instanceof HandshakeError);
  assert.throws(() => handshake.push(bytesOf(answer())), (error) => error === failure);
  assert.throws(() => handshake.finish(), (error) => error === failure);
});

Deno.test("a completed handshake reads no more input", () => {
  const handshake = new ClientHandshake(plain);
  handshake.push(bytesOf(answer()));
  assert.throws(() => handshake.push(bytesOf("x")), TypeError);
});

Deno.test("checks the caller's options immediately", () => {
  assert.throws(() => new ClientHandshake({ key: "x" }), TypeError);
  assert.throws(() => new ClientHandshake({ key: RFC_KEY, subprotocols: ["a", "a"] }), TypeError);
  assert.throws(() => new ClientHandshake({ key: RFC_KEY, maxBytes: 0 }), RangeError);
  assert.throws(() => new ClientHandshake(plain).fields, TypeError);
  assert.equal(new ClientHandshake(plain).status, 0);
  assert.equal(new ClientHandshake(plain).extensions, "");
});

Deno.test("mutated responses open the connection or throw a HandshakeError", () => {
  const legal = bytesOf(answer({ [PROTOCOL]: "v1", [EXTENSIONS]: DEFLATE }));
  let accepts = 0;
  const random = new Random(1);
  for (let round = 0; round < 4000; round++) {
    const bytes = legal.slice();
    for (let i = random.below(3); i >= 0; i--) {
      bytes[random.below(bytes.length)] = random.below(256);
    }
    try {
      if (new ClientHandshake(asking).push(bytes)) accepts++;
    } catch (error) {
      assert.ok(error instanceof HandshakeError, String(error));
    }
  }
  assert.ok(accepts > 0);
});
