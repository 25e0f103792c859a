import assert from "node:assert/strict";
import { type ConnectOptions, connectRules } from "../../src/client/connect_options.ts";

const FIELDS = "header fields (an object, a Headers, pairs) or a function that returns them";

/** Invalid options with the expected errors. */
const WRONG:
  readonly (readonly [options: Record<string, unknown>, name: string, message: string])[] = [
    // A string may be "Authorization: Bearer ...", which must not appear in logs.
    [{ headers: "X: y" }, "TypeError", `Option "headers" must be ${FIELDS}, got a string`],
    [{ headers: null }, "TypeError", `Option "headers" must be ${FIELDS}, got null`],
    [{ headers: 7 }, "TypeError", `Option "headers" must be ${FIELDS}, got 7`],
    [{ headers: Promise.resolve({}) }, "TypeError", "got a promise (is an await missing?)"],
    [{ host: 7 }, "TypeError", 'Option "host" must be a string, got 7'],
    [{ host: "" }, "TypeError", 'Option "host" must be a host name or address, with or without a'],
    [{ host: "a/b" }, "TypeError", 'a port, got "a/b"'],
    [{ host: "a\r\nX: y" }, "TypeError", 'Option "host" must be'],
    [{ host: "a:99999" }, "TypeError", 'Option "host" must be'],
    [{ unix: 7 }, "TypeError", 'Option "unix" must be a string, got 7'],
    [{ unix: "" }, "TypeError", 'Option "unix" must be the path of a socket, got ""'],
    [
      { unix: "/x", proxy: "http://a" },
      "TypeError",
      'Option "proxy" cannot be given together with "unix"',
    ],
    [
      { maxHandshakeSize: 255 },
      "RangeError",
      'Option "maxHandshakeSize" must be an integer from 256',
    ],
    [
      { origin: new URL("http://a") },
      "TypeError",
      'Option "origin" must be a string, got an object',
    ],
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
    [
      { tls: { ca: "" } },
      "TypeError",
      'Unknown option "tls.ca". Option "tls" can have: caCerts, cert, key',
    ],
    [
      { tls: { caCerts: "pem" } },
      "TypeError",
      'Option "tls.caCerts" must be an array of PEM strings',
    ],
    [
      { tls: { caCerts: [7] } },
      "TypeError",
      'Option "tls.caCerts" must be an array of PEM strings',
    ],
    [{ tls: { cert: 7, key: "k" } }, "TypeError", 'Option "tls.cert" must be a string, got 7'],
    [{ tls: { cert: "c", key: 7 } }, "TypeError", 'Option "tls.key" must be a string, got 7'],
    [
      { tls: { cert: "c" } },
      "TypeError",
      'Options "tls.cert" and "tls.key" must be given together',
    ],
    [{ tls: { key: "k" } }, "TypeError", 'Options "tls.cert" and "tls.key" must be given together'],
    [{ tls: { serverName: 7 } }, "TypeError", 'Option "tls.serverName" must be a string, got 7'],
    ...["", " ", "a b", "a.b:443", "a/b:c", "[::1]", "a/b", "\0"].map((serverName) =>
      [
        { tls: { serverName } },
        "TypeError",
        `Option "tls.serverName" must be a host name or an IP address, got "${serverName}"`,
      ] as const
    ),
    [
      { tls: { cert: "c", key: "k", passphrase: 7 } },
      "TypeError",
      '"tls.passphrase" must be a string',
    ],
    [{ tls: { passphrase: "p" } }, "TypeError", 'Option "tls.passphrase" needs "tls.key"'],
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
      'Unknown option "port". The options of connect can have: headers, origin',
    ],
    [{ timeout: 1 }, "TypeError", 'Unknown option "timeout". '],
  ];

for (const [options, name, message] of WRONG) {
  Deno.test(`connect rejects ${JSON.stringify(options)} with a ${name}`, () => {
    assert.throws(() => connectRules(options as ConnectOptions), (error: Error) => {
      assert.equal(error.name, name);
      assert.ok(error.message.includes(message), error.message);
      return true;
    });
  });
}

for (const [value, shown] of [[null, "null"], [7, "7"], ["chat", '"chat"'], [[], "an array"]]) {
  Deno.test(`connect rejects ${shown} instead of options`, () => {
    assert.throws(() => connectRules(value as ConnectOptions), {
      name: "TypeError",
      message: `The options of connect must be an object, got ${shown}`,
    });
  });
}

Deno.test("accepts valid options and applies the client's rules", () => {
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
