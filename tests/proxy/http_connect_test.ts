import assert from "node:assert/strict";
import { ConnectionError } from "../../src/errors.ts";
import { MAX_INTERIM_RESPONSES } from "../../src/handshake/client.ts";
import { DEFAULT_MAX_HEAD_BYTES } from "../../src/handshake/http_head.ts";
import type { ProxyCredentials } from "../../src/proxy/dialogue.ts";
import { basicCredentials, HttpConnect } from "../../src/proxy/http_connect.ts";
import { firstRejection } from "../support/replay.ts";
import { hex, toHex, utf8 } from "../support/vectors.ts";
import { converse, type Outcome } from "./replay_dialogue.ts";

const TARGET = { hostname: "a.example", port: 443 };
const REQUEST = "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n";

function requestFor(hostname: string, credentials?: ProxyCredentials): string {
  return new TextDecoder().decode(new HttpConnect({ hostname, port: 443 }, credentials).begin());
}

function answered(
  answer: string | Uint8Array,
  behind?: Uint8Array,
  credentials?: ProxyCredentials,
): Outcome {
  const bytes = typeof answer === "string" ? utf8(answer) : answer;
  return converse(
    Uint8Array.of(...bytes, ...behind ?? []),
    () => new HttpConnect(TARGET, credentials),
  );
}

Deno.test("the request names the target twice, and has no other fields without credentials", () => {
  assert.equal(requestFor("a.example"), REQUEST);
});

Deno.test("writes an IPv6 address in brackets", () => {
  assert.equal(
    requestFor("2001:db8::1"),
    "CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n",
  );
});

Deno.test("rejects a target that contains more than a host", () => {
  for (const hostname of ["a.example\r\nX: 1", "a b", "", "fe80::1%eth0"]) {
    assert.throws(() => requestFor(hostname), TypeError);
  }
});

for (
  const [username, password, decoded] of [
    ["user", "secret", "user:secret"],
    // A user name without a password is also sent.
    ["token", "", "token:"],
    ["", "secret", ":secret"],
    ["user", "with:colons::", "user:with:colons::"],
    ["j\u00fcrgen", "\u5bc6\u7801\u{1f511}", "j\u00fcrgen:\u5bc6\u7801\u{1f511}"],
    ["u".repeat(300), "p".repeat(300), `${"u".repeat(300)}:${"p".repeat(300)}`],
  ]
) {
  Deno.test(`sends the credentials ${decoded.slice(0, 30)} as Basic, in UTF-8`, () => {
    const lines = requestFor("a.example", { username, password }).split("\r\n");
    assert.equal(lines.length, 5);
    const value = lines[2].split("Proxy-Authorization: Basic ")[1];
    const bytes = Uint8Array.from(atob(value), (character) => character.charCodeAt(0));
    assert.equal(new TextDecoder().decode(bytes), decoded);
  });
}

Deno.test("rejects a user name with a colon, which would end the user name", () => {
  assert.throws(() => basicCredentials({ username: "a:b", password: "" }), {
    name: "TypeError",
    message: "The user name of an HTTP proxy must not contain a colon",
  });
});

Deno.test("rejects credentials with control characters, without quoting them in the error", () => {
  for (const control of ["\0", "\r\n", "\t", "\x7f"]) {
    for (const pair of [["secret", control], [control, "secret"]]) {
      assert.throws(() => basicCredentials({ username: pair[0], password: pair[1] }), {
        name: "TypeError",
        message: "The user and password of an HTTP proxy must not contain control characters",
      });
    }
  }
});

for (
  const head of [
    "HTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.0 200 Connection established\r\nProxy-agent: tinyproxy/1.11.1\r\n\r\n",
    "HTTP/1.1 200\r\n\r\n",
    "HTTP/1.1 299 \r\n\r\n",
    // RFC 9110 9.3.6: a client must ignore Content-Length and Transfer-Encoding here.
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: <x>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1 199 Soon\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1 102 Processing\r\n\r\n".repeat(MAX_INTERIM_RESPONSES) + "HTTP/1.1 200 OK\r\n\r\n",
  ]
) {
  const lines = JSON.stringify(head.length > 120 ? `${head.slice(0, 120)}...` : head);
  Deno.test(`the tunnel is open after ${lines}, and the following bytes come from the target`, () => {
    const sent = toHex(utf8(REQUEST));
    assert.deepEqual(answered(head), { sent, done: true, rest: "" });
    assert.deepEqual(answered(head, hex("0d0a00ff81")), { sent, done: true, rest: "0d0a00ff81" });
  });
}

for (
  const [head, message] of [
    ["HTTP/1.1 403 Forbidden\r\n\r\n", "403 Forbidden to CONNECT a.example:443"],
    ["HTTP/1.0 500 Unable to connect\r\n\r\n", "500 Unable to connect to CONNECT a.example:443"],
    ["HTTP/1.1 302 Found\r\nLocation: http://b.example\r\n\r\n", "302 Found to CONNECT "],
    ["HTTP/1.1 300 Which\r\n\r\n", "300 Which to CONNECT a.example:443"],
    ["HTTP/1.1 502\r\n\r\n", "502 to CONNECT a.example:443"],
    ["HTTP/1.1 999 x\r\n\r\n", "999 x to CONNECT a.example:443"],
    // A protocol that was not requested.
    ["HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", "101 Switching to CONNECT a.example:443"],
    ["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\n\r\n", "503 Busy to CONNECT "],
    [`HTTP/1.1 500 ${"x".repeat(500)}\r\n\r\n`, `500 ${"x".repeat(200)}... to CONNECT `],
  ]
) {
  Deno.test(`reports the response ${JSON.stringify(head.slice(0, 60))} as a rejection`, () => {
    const { done, error } = answered(head + "<html>its body</html>");
    assert.equal(done, false);
    assert.equal(error?.code, "PROXY_REFUSED");
    assert.ok(error.message.startsWith(`The proxy answered ${message}`), error.message);
  });
}

/** Reason phrases with obs-text (RFC 9112 4), and how an error message shows them. */
for (
  const [reason, shown] of [
    ["Nicht verf\xfcgbar", "Nicht verf\xfcgbar"],
    ["Nicht verf\xc3\xbcgbar", "Nicht verf\xfcgbar"],
    ["\x9b2Jno", "2Jno"],
  ]
) {
  Deno.test(`shows a proxy's reason phrase ${JSON.stringify(reason)} as ${shown}`, () => {
    const head = `HTTP/1.1 503 ${reason}\r\nVia: \xe9\r\n\r\n`;
    const { error } = answered(Uint8Array.from(head, (character) => character.charCodeAt(0)));
    assert.equal(error?.code, "PROXY_REFUSED");
    assert.ok(
      error.message.startsWith(`The proxy answered 503 ${shown} to CONNECT `),
      error.message,
    );
  });
}

for (const status of ["407 Nope", "401 Nope"]) {
  Deno.test(`the error for ${status} reports missing or rejected credentials without their value`, () => {
    const head = `HTTP/1.1 ${status}\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n`;
    assert.deepEqual(answered(head).error, {
      code: "PROXY_REFUSED",
      message: `The proxy answered ${status} to CONNECT a.example:443: it requires a user ` +
        "name and a password, but its URL has none",
    });
    const credentials = { username: "eve", password: "hunter2" };
    assert.deepEqual(answered(head, undefined, credentials).error, {
      code: "PROXY_REFUSED",
      message: `The proxy answered ${status} to CONNECT a.example:443: it rejects the user ` +
        "name and password of its URL",
    });
  });
}

for (
  const answer of [
    "SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "HTTP/1.1 2e2 OK\r\n\r\n",
    "HTTP/1.1 2000 OK\r\n\r\n",
    "HTTP/1.1 099 OK\r\n\r\n",
    "HTTP/2 200\r\n\r\n",
    "\r\nHTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1 200 OK\n\n",
    "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX: \x7f\r\n\r\n",
    "\x05\x00",
    "\x15\x03\x03\x00\x02\x02\x0a",
  ]
) {
  Deno.test(`reports the response ${JSON.stringify(answer)} as not HTTP`, () => {
    const { done, error } = answered(Uint8Array.from(answer, (c) => c.charCodeAt(0)));
    assert.equal(done, false);
    assert.equal(error?.code, "PROXY_FAILED");
    assert.match(
      error.message,
      /^The response of the HTTP proxy (cannot be used: |does not begin)/,
    );
  });
}

Deno.test("rejects an endless series of interim responses", () => {
  const interim = utf8("HTTP/1.1 102 Processing\r\n\r\n");
  const { bytes, error } = firstRejection(
    utf8("HTTP/1.1 102 Processing\r\n\r\n".repeat(100)),
    receiver(new HttpConnect(TARGET)),
  )!;
  assert.equal(bytes, interim.length * (MAX_INTERIM_RESPONSES + 1));
  assert.ok(error instanceof ConnectionError);
  assert.equal(error.code, "PROXY_FAILED");
});

Deno.test("rejects an unterminated head at the head limit", () => {
  for (const start of ["HTTP/1.1 200 ", "HTTP/1.1 200 OK\r\nX: "]) {
    const endless = utf8(start + "x".repeat(2 * DEFAULT_MAX_HEAD_BYTES));
    const { bytes, error } = firstRejection(endless, receiver(new HttpConnect(TARGET)))!;
    assert.equal(bytes, DEFAULT_MAX_HEAD_BYTES);
    assert.ok(error instanceof ConnectionError);
    assert.equal(error.code, "PROXY_FAILED");
    assert.match(error.message, /larger than 16384 bytes/);
  }
});

function receiver(dialogue: HttpConnect): (bytes: Uint8Array) => unknown {
  return (bytes) => dialogue.receive(bytes);
}
