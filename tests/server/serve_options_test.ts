import assert from "node:assert/strict";
import { type ServeOptions, serveRules } from "../../src/server/serve_options.ts";

/** An invalid option, and the expected error. */
type Wrong = readonly [options: Record<string, unknown>, name: string, message: string];

const WRONG: readonly Wrong[] = [
  [{ hostname: 7 }, "TypeError", 'Option "hostname" must be a string, got 7'],
  [{ port: "80" }, "TypeError", 'Option "port" must be a number'],
  [{ port: -1 }, "RangeError", 'Option "port" must be an integer from 0 to 65535'],
  [{ port: 65536 }, "RangeError", "got 65536"],
  [{ port: 80.5 }, "RangeError", "got 80.5"],
  [{ port: NaN }, "RangeError", "got NaN"],
  [{ unix: 7 }, "TypeError", 'Option "unix" must be a string, got 7'],
  [{ unix: "/s", port: 80 }, "TypeError", 'Option "unix" cannot be given together with "port"'],
  [{ unix: "/s", hostname: "::1" }, "TypeError", 'Option "unix" cannot be given together with'],
  [{ reusePort: 1 }, "TypeError", 'Option "reusePort" must be a boolean, got 1'],
  [
    { denoSockets: "net" },
    "TypeError",
    'Option "denoSockets" must be "node:net" or "Deno.listen", got "net"',
  ],
  [{ backlog: 0 }, "RangeError", 'Option "backlog" must be an integer from 1'],
  [{ backlog: "9" }, "TypeError", 'Option "backlog" must be a number of connections, got "9"'],
  [{ tls: null }, "TypeError", 'Option "tls" must be an object, got null'],
  [{ tls: {} }, "TypeError", 'Option "tls.cert" must be a PEM string, got undefined'],
  [{ tls: { cert: "c" } }, "TypeError", 'Option "tls.key" must be a PEM string, got undefined'],
  [{ tls: { cert: "c", key: 7 } }, "TypeError", 'Option "tls.key" must be a PEM string, got 7'],
  [
    { tls: { cert: "c", key: "k", ca: "x" } },
    "TypeError",
    'Unknown option "tls.ca". Option "tls" can have: cert, key',
  ],
  [{ handshakeTimeout: -1 }, "RangeError", 'Option "handshakeTimeout" must be an integer from 0'],
  [{ handshakeTimeout: "1s" }, "TypeError", 'a number of milliseconds, got "1s"'],
  [{ handshakeTimeout: Infinity }, "RangeError", "got Infinity"],
  [
    { maxHandshakeSize: 255 },
    "RangeError",
    'Option "maxHandshakeSize" must be an integer from 256',
  ],
  [{ maxHandshakeSize: 1n }, "TypeError", 'Option "maxHandshakeSize" must be a number of bytes'],
  [{ maxConnections: 0 }, "RangeError", 'Option "maxConnections" must be an integer from 1'],
  [{ maxConnections: null }, "TypeError", "a number of connections, got null"],
  [{ signal: {} }, "TypeError", 'Option "signal" must be an AbortSignal, got an object'],
  [{ signal: null }, "TypeError", 'Option "signal" must be an AbortSignal, got null'],
  [{ onError: {} }, "TypeError", 'Option "onError" must be a function, got an object'],
  [{ upgrade: "no" }, "TypeError", 'Option "upgrade" must be a function, got "no"'],
  [{ fetch: true }, "TypeError", 'Option "fetch" must be a function, got true'],
  [{ message: "m" }, "TypeError", 'Option "message" must be a function, got "m"'],
  [{ closeTimeout: -1 }, "RangeError", 'Option "closeTimeout" must be an integer from 0'],
  [
    { allowedOrigins: "https://a.example" },
    "TypeError",
    'Option "allowedOrigins" must be "same", "any", an array',
  ],
  [{ allowedOrigins: "*" }, "TypeError", 'got "*"'],
  [{ allowedOrigins: true }, "TypeError", 'Option "allowedOrigins" must be "same", "any"'],
  [
    { allowedHosts: "localhost" },
    "TypeError",
    'Option "allowedHosts" must be an array of host names',
  ],
  [{ allowedHosts: ["localhost:8080"] }, "TypeError", 'must list host names such as "localhost"'],
  [{ allowedHosts: ["*"] }, "TypeError", 'got "*"'],
  [{ allowedHosts: [7 as unknown as string] }, "TypeError", "got 7"],
  [{ hostname: "" }, "TypeError", 'Option "hostname" must be an address or a host name'],
  [{ trustedProxies: null }, "TypeError", 'Option "trustedProxies" must be an array of addresses'],
  [{ trustedProxies: false }, "TypeError", "got false"],
  [{ trustedProxies: "" }, "TypeError", 'got ""'],
  [{ clientTopics: true }, "TypeError", 'Option "clientTopics" must be an object, got true'],
  [{ clientTopics: {} }, "TypeError", 'Option "clientTopics.allow" must be a function'],
  [
    { clientTopics: { allow: () => true, max: 0 } },
    "RangeError",
    'Option "clientTopics.max" must be an integer from 1',
  ],
  [{ allowedOrigins: null }, "TypeError", 'Option "allowedOrigins" must be "same", "any"'],
  [
    { handshake: 1 },
    "TypeError",
    'Unknown option "handshake". Did you mean "handshakeTimeout" or "maxHandshakeSize"?',
  ],
  [{ Port: 1 }, "TypeError", 'Unknown option "Port". Did you mean "port"?'],
  [{ headers: {} }, "TypeError", 'Unknown option "headers". '],
];

for (const [options, name, message] of WRONG) {
  const [[key, value]] = Object.entries(options);
  Deno.test(`serve rejects ${key} ${JSON.stringify(value, show)} with a ${name}`, () => {
    assert.throws(() => serveRules(options as ServeOptions), (error: Error) => {
      assert.equal(error.name, name);
      assert.ok(error.message.includes(message), error.message);
      return true;
    });
  });
}

/** Converts values that JSON cannot represent. */
function show(_: string, value: unknown): unknown {
  return typeof value === "bigint" || typeof value === "number" ? String(value) : value;
}

for (const [value, shown] of [[null, "null"], [7, "7"], ["8080", '"8080"'], [[], "an array"]]) {
  Deno.test(`serve rejects ${shown} as options`, () => {
    assert.throws(() => serveRules(value as ServeOptions), {
      name: "TypeError",
      message: `The options of serve must be an object, got ${shown}`,
    });
  });
}

Deno.test("applies the documented defaults without options", () => {
  const { connection, options, ...rules } = serveRules({});
  assert.deepEqual(options, {});
  assert.deepEqual(rules, {
    handshakeTimeout: 10_000,
    maxHandshakeSize: 16_384,
    maxConnections: Infinity,
    maxConnectionsPerAddress: Infinity,
    trustedProxies: undefined,
    proxyProtocol: false,
    reportOnly: false,
    secure: false,
    path: undefined,
    clientTopics: undefined,
    subprotocols: [],
    allowedOrigins: "same",
    allowedHosts: undefined,
  });
  assert.equal(connection.masked, true);
});

Deno.test("clientTopics adds its subprotocol before all others", () => {
  const clientTopics = { allow: () => true };
  assert.deepEqual(serveRules({ clientTopics }).subprotocols, ["quickws.topics.1"]);
  assert.deepEqual(serveRules({ clientTopics, subprotocols: ["chat"] }).subprotocols, [
    "quickws.topics.1",
    "chat",
  ]);
  assert.deepEqual(serveRules({ subprotocols: ["chat"] }).subprotocols, ["chat"]);
});

Deno.test("treats an undefined option as absent", () => {
  const { options: _, ...rules } = serveRules({
    hostname: undefined,
    port: undefined,
    unix: undefined,
    tls: undefined,
    handshakeTimeout: undefined,
    maxHandshakeSize: undefined,
    maxConnections: undefined,
    signal: undefined,
    allowedOrigins: undefined,
    allowedHosts: undefined,
    clientTopics: undefined,
    upgrade: undefined,
    fetch: undefined,
    onError: undefined,
    message: undefined,
  });
  const { options: __, ...defaults } = serveRules({});
  assert.deepEqual(rules, defaults);
});

Deno.test("accepts the minimum and maximum of every range", () => {
  for (
    const options of [
      { port: 0 },
      { port: 65535 },
      { handshakeTimeout: 0 },
      { handshakeTimeout: 0x7fffffff },
      { maxHandshakeSize: 256 },
      { maxHandshakeSize: 0x7fffffff },
      { maxConnections: 1 },
      { backlog: 1 },
      { denoSockets: "node:net" },
      { denoSockets: "Deno.listen" },
      { unix: "/tmp/s" },
      { tls: { cert: "c", key: "k" } },
      { allowedOrigins: [] },
      {
        allowedOrigins: ["https://a.example", "http://localhost:3000", "chrome-extension://abcdef"],
      },
      { allowedOrigins: () => true },
      { allowedHosts: [] },
      { allowedHosts: ["localhost", "[::1]", "a.example"] },
      { signal: new AbortController().signal },
    ] satisfies ServeOptions[]
  ) {
    serveRules(options);
  }
});

Deno.test("copies lists, so later changes have no effect", () => {
  const subprotocols = ["chat"];
  const allowedOrigins = ["https://a.example"];
  const allowedHosts = ["localhost"];
  const rules = serveRules({ subprotocols, allowedOrigins, allowedHosts });
  allowedHosts.push("evil.example");
  subprotocols.push("evil");
  allowedOrigins.push("https://evil.example");
  assert.deepEqual(rules.subprotocols, ["chat"]);
  assert.deepEqual(rules.allowedOrigins, ["https://a.example"]);
  assert.deepEqual(rules.allowedHosts, ["localhost"]);
});
