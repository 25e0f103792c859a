import assert from "node:assert/strict";
import {
  type ConnectOptions,
  connectRules,
  parseTarget,
  type Target,
} from "../../src/client/connect_options.ts";

/** A URL and where it points to. */
const TARGETS: readonly [url: string, target: Partial<Target>][] = [
  ["ws://a.example", {
    url: "ws://a.example/",
    secure: false,
    hostname: "a.example",
    port: 80,
    host: "a.example",
    path: "/",
    authorization: undefined,
  }],
  ["wss://a.example/chat?room=1", {
    url: "wss://a.example/chat?room=1",
    secure: true,
    port: 443,
    host: "a.example",
    path: "/chat?room=1",
  }],
  ["http://a.example:8080/", { url: "ws://a.example:8080/", secure: false, port: 8080 }],
  ["https://a.example/x", { url: "wss://a.example/x", secure: true, port: 443 }],
  ["WS://A.Example/", { url: "ws://a.example/", hostname: "a.example", host: "a.example" }],

  // The port that a scheme stands for is left out, as in the Host field (RFC 9110 7.2).
  ["ws://a.example:80/", { url: "ws://a.example/", port: 80, host: "a.example" }],
  ["wss://a.example:443/", { url: "wss://a.example/", port: 443, host: "a.example" }],
  ["ws://a.example:443/", { url: "ws://a.example:443/", port: 443, host: "a.example:443" }],
  ["wss://a.example:80/", { url: "wss://a.example:80/", port: 80, host: "a.example:80" }],
  ["https://a.example:443/", { port: 443, host: "a.example" }],

  // IPv6 addresses are in brackets in a URL and in the Host field, and nowhere else.
  ["ws://[::1]/", { hostname: "::1", port: 80, host: "[::1]", url: "ws://[::1]/" }],
  ["ws://[2001:DB8::1]:8080/", {
    hostname: "2001:db8::1",
    port: 8080,
    host: "[2001:db8::1]:8080",
  }],
  ["ws://127.0.0.1:9/", { hostname: "127.0.0.1", port: 9, host: "127.0.0.1:9" }],

  ["ws://a.example/?", { path: "/" }],
  ["ws://a.example/a b", { path: "/a%20b" }],
  ["ws://a.example/caf\u00e9", { path: "/caf%C3%A9" }],
  ["ws://a.example/a%0d%0ab", { path: "/a%0d%0ab" }],
  ["ws://a.example/a\r\nb", { path: "/ab" }],
  ["ws://a.example//b", { path: "//b" }],
  ["ws://b\u00fccher.example/", { hostname: "xn--bcher-kva.example" }],

  // User information becomes credentials (RFC 7617), and is nowhere else.
  ["ws://user:pass@a.example/", {
    url: "ws://a.example/",
    host: "a.example",
    authorization: `Basic ${btoa("user:pass")}`,
  }],
  ["ws://user@a.example/", { authorization: `Basic ${btoa("user:")}` }],
  ["ws://:pass@a.example/", { authorization: `Basic ${btoa(":pass")}` }],
  ["ws://us%3Aer:p%40ss@a.example/", { authorization: `Basic ${btoa("us:er:p@ss")}` }],
  ["ws://caf%C3%A9:x@a.example/", { authorization: `Basic ${btoa("caf\xc3\xa9:x")}` }],
];

for (const [url, expected] of TARGETS) {
  Deno.test(`${JSON.stringify(url)} is taken apart, as a string and as a URL`, () => {
    for (const input of [url, new URL(url)]) {
      const target = parseTarget(input);
      for (const name of Object.keys(expected) as (keyof Target)[]) {
        assert.equal(target[name], expected[name], name);
      }
    }
  });
}

const BAD_URLS: readonly [url: unknown, message: RegExp][] = [
  ["ftp://a.example/", /^The URL must begin with ws:\/\/ or wss:\/\/, got "ftp:\/\/a\.example\/"$/],
  ["a.example:80", /^The URL must begin with ws:\/\/ or wss:\/\//],
  [new URL("file:///x"), /^The URL must begin with ws:\/\/ or wss:\/\/, got "file:/],
  ["wsx://a.example/", /^The URL must begin with/],
  ["/chat", /^The URL is not valid: "\/chat"$/],
  ["", /^The URL is not valid: ""$/],
  ["ws://", /^The URL is not valid: "ws:\/\/"$/],
  ["ws://a.example:99999/", /^The URL is not valid/],
  ["ws://[::1/", /^The URL is not valid/],
  ["ws://a example/", /^The URL is not valid/],
  // RFC 6455 section 3: no fragments.
  ["ws://a.example/#top", /^The URL must not have a fragment, got "ws:\/\/a\.example\/#top"$/],
  [new URL("wss://a.example/x#y"), /^The URL must not have a fragment/],
  [undefined, /^The URL must be a string or a URL, got undefined$/],
  [null, /^The URL must be a string or a URL, got null$/],
  [7, /^The URL must be a string or a URL, got 7$/],
  [{ href: "ws://a.example/" }, /^The URL must be a string or a URL, got an object$/],
  // "%zz" stands for no character.
  ["ws://us%zzer@a.example/", /user/],
  ["ws://user:%ff@a.example/", /password/],
];

for (const [url, message] of BAD_URLS) {
  Deno.test(`${String(url) || "the empty string"} is no URL of a server: a TypeError says why`, () => {
    assert.throws(() => parseTarget(url as string), { name: "TypeError", message });
  });
}

/** A wrong option and what is said about it. */
const WRONG: readonly [options: Record<string, unknown>, name: string, message: string][] = [
  [{ headers: "X: y" }, "TypeError", 'Option "headers" must be header fields, got "X: y"'],
  [{ headers: null }, "TypeError", 'Option "headers" must be header fields, got null'],
  [{ headers: 7 }, "TypeError", 'Option "headers" must be header fields, got 7'],
  [{ origin: new URL("http://a") }, "TypeError", 'Option "origin" must be a string, got an object'],
  [{ handshakeTimeout: -1 }, "RangeError", 'Option "handshakeTimeout" must be an integer from 0'],
  [
    { handshakeTimeout: "1" },
    "TypeError",
    'Option "handshakeTimeout" must be a number of millisec',
  ],
  [{ signal: "stop" }, "TypeError", 'Option "signal" must be an AbortSignal, got "stop"'],
  [{ dial: {} }, "TypeError", 'Option "dial" must be a function, got an object'],
  [{ tls: true }, "TypeError", 'Option "tls" must be an object, got true'],
  [{ tls: null }, "TypeError", 'Option "tls" must be an object, got null'],
  [{ tls: { ca: "" } }, "TypeError", 'must not have "ca"; known are caCerts, cert, key'],
  [
    { tls: { caCerts: "pem" } },
    "TypeError",
    'Option "tls.caCerts" must be an array of PEM strings',
  ],
  [{ tls: { caCerts: [7] } }, "TypeError", 'Option "tls.caCerts" must be an array of PEM strings'],
  [{ tls: { cert: 7, key: "k" } }, "TypeError", 'Option "tls.cert" must be a string, got 7'],
  [{ tls: { cert: "c", key: 7 } }, "TypeError", 'Option "tls.key" must be a string, got 7'],
  [{ tls: { cert: "c" } }, "TypeError", 'Options "tls.cert" and "tls.key" must be given together'],
  [{ tls: { key: "k" } }, "TypeError", 'Options "tls.cert" and "tls.key" must be given together'],
  [{ tls: { serverName: 7 } }, "TypeError", 'Option "tls.serverName" must be a string, got 7'],
  [
    { tls: { rejectUnauthorized: 0 } },
    "TypeError",
    'Option "tls.rejectUnauthorized" must be a bool',
  ],
  [{ open: 7 }, "TypeError", 'Option "open" must be a function, got 7'],
  [{ text: "utf8" }, "TypeError", 'Option "text" must be "string" or "bytes", got "utf8"'],
  [{ subprotocols: "chat" }, "TypeError", 'Option "subprotocols" must be an array of strings'],
  [{ subprotocols: ["a", "a"] }, "TypeError", 'subprotocols names "a" twice'],
  [
    { port: 80 },
    "TypeError",
    'The options of connect must not have "port"; known are headers, origin',
  ],
  [{ timeout: 1 }, "TypeError", 'The options of connect must not have "timeout"'],
];

for (const [options, name, message] of WRONG) {
  Deno.test(`connect refuses ${JSON.stringify(options)} with a ${name}`, () => {
    assert.throws(() => connectRules(options as ConnectOptions), (error: Error) => {
      assert.equal(error.name, name);
      assert.ok(error.message.includes(message), error.message);
      return true;
    });
  });
}

for (const [value, shown] of [[null, "null"], [7, "7"], ["chat", '"chat"'], [[], "an array"]]) {
  Deno.test(`connect refuses ${shown} instead of options`, () => {
    assert.throws(() => connectRules(value as ConnectOptions), {
      name: "TypeError",
      message: `The options of connect must be an object, got ${shown}`,
    });
  });
}

Deno.test("what is allowed passes, and the rules are a client's", () => {
  const rules = connectRules({
    headers: { Cookie: "a=b" },
    origin: "https://a.example",
    handshakeTimeout: 0,
    signal: new AbortController().signal,
    tls: { caCerts: [], cert: "c", key: "k", serverName: "s", rejectUnauthorized: false },
    dial: () => Promise.reject(),
    data: undefined,
    subprotocols: ["chat"],
    message: () => {},
  });
  assert.equal(rules.masked, false);
});
