// Tests the admission of requests: origins, host names, client addresses behind proxies, and
// limits.

import assert from "node:assert/strict";
import {
  checkHosts,
  checkOrigins,
  hostRefused,
  isHostAllowed,
  isHostName,
  isOriginAllowed,
  type Origins,
} from "../../src/server/admission.ts";
import type { LimitReport } from "../../src/connection/handlers.ts";
import { normalizeAddress, TrustedProxies } from "../../src/server/client_address.ts";
import { ConnectionCount } from "../../src/server/connection_count.ts";
import type { UpgradeRequest } from "../../src/server/upgrade_hook.ts";

const request: UpgradeRequest = {
  method: "GET",
  url: "ws://a.example/",
  path: "/",
  headers: new Headers(),
  remoteAddress: "memory",
  remotePort: 0,
  subprotocols: [],
};

function allows(origins: Origins, values: readonly string[], host = "a.example"): boolean {
  return isOriginAllowed(origins, values, host, request);
}

/** An origin, the requested host, and whether they match. */
const SAME: readonly [origin: string, host: string, same: boolean][] = [
  ["http://a.example", "a.example", true],
  ["https://a.example", "a.example", true],
  ["http://a.example:8080", "a.example:8080", true],
  ["HTTP://A.Example", "a.example", true],
  ["http://a.example", "A.EXAMPLE", true],
  ["http://[::1]:8080", "[::1]:8080", true],
  ["http://[::1]", "[::1]", true],
  ["http://127.0.0.1:3000", "127.0.0.1:3000", true],

  // The default port of a scheme is optional.
  ["http://a.example", "a.example:80", true],
  ["https://a.example", "a.example:443", true],
  ["http://a.example:80", "a.example", true],
  ["https://a.example:443", "a.example", true],
  ["http://[::1]", "[::1]:80", true],
  ["https://a.example", "a.example:80", false],
  ["http://a.example", "a.example:443", false],
  ["http://a.example", "a.example:8080", false],
  ["http://a.example:8080", "a.example", false],
  ["http://a.example:8080", "a.example:8081", false],
  ["http://a.example:8080", "a.example:80", false],
  ["http://a.example:18080", "a.example:8080", false],
  ["http://[2001:db8::80]", "[2001:db8:]", false],

  // A partial host does not match.
  ["http://a.example.evil", "a.example", false],
  ["http://evil-a.example", "a.example", false],
  ["http://b.a.example", "a.example", false],
  ["http://example", "a.example", false],
  ["http://a.exampl", "a.example", false],
  ["http://a.example", "b.a.example", false],
  ["http://a.example@evil", "a.example", false],
  ["http://evil/a.example", "a.example", false],
  ["http://evil#a.example", "a.example", false],
  ["http://evil://a.example", "a.example", false],
  ["http://a.example/", "a.example", false],
  ["http://a.example.", "a.example", false],

  // Invalid origins.
  ["null", "a.example", false],
  ["null", "null", false],
  ["", "a.example", false],
  ["a.example", "a.example", false],
  ["://", "a.example", false],
  ["http://", "a.example", false],
  ["http://evil, http://a.example", "a.example", false],
];

for (const [origin, host, same] of SAME) {
  Deno.test(`"same": the origin "${origin}" may ${same ? "" : "not "}connect to ${host}`, () => {
    assert.equal(allows("same", [origin], host), same);
  });
}

Deno.test("accepts a client without Origin for every value of allowedOrigins", () => {
  for (const origins of ["same", "any", [], ["https://a.example"], () => false] as Origins[]) {
    assert.equal(allows(origins, []), true);
  }
});

Deno.test('"any" accepts every origin, including null and invalid values', () => {
  for (const origin of ["http://evil", "null", "", "%"]) {
    assert.equal(allows("any", [origin]), true);
  }
});

Deno.test("a list accepts only its members", () => {
  const list = ["https://a.example", "http://localhost:3000"];
  for (const origin of list) assert.equal(allows(list, [origin], "server"), true);
  for (
    const origin of [
      "https://a.example.evil",
      "https://evil.a.example",
      "https://a.exampl",
      "http://a.example",
      "https://a.example:8443",
      "https://a.example/",
      "http://localhost:300",
      "http://localhost:30000",
      "http://localhost",
      "https://a.example,http://localhost:3000",
      "https://server",
      "null",
      "",
    ]
  ) {
    assert.equal(allows(list, [origin], "server"), false, origin);
  }
});

Deno.test("a list does not allow the server's own host unless it contains it", () => {
  assert.equal(allows(["https://b.example"], ["https://a.example"], "a.example"), false);
  assert.equal(allows([], ["https://a.example"], "a.example"), false);
});

Deno.test("a function receives the origin and the request, and accepts only by returning true", () => {
  const asked: unknown[][] = [];
  const answers: unknown[] = [true, false, undefined, "yes", 1, Promise.resolve(true)];
  const found = answers.map((answer) =>
    allows((...args) => {
      asked.push(args);
      return answer as boolean;
    }, ["null"])
  );
  assert.deepEqual(found, [true, false, false, false, false, false]);
  for (const args of asked) assert.deepEqual(args, ["null", request]);
});

Deno.test("rejects two Origin lines, even if both origins are allowed", () => {
  const twice = ["http://a.example", "http://a.example"];
  for (const origins of ["same", ["http://a.example"], () => true] as Origins[]) {
    assert.equal(allows(origins, twice), false);
  }
});

Deno.test("accepts each valid value of allowedOrigins", () => {
  const list = ["https://a.example", "http://[::1]:8080", "app://id"];
  for (const origins of [undefined, "same", "any", () => true, [], list]) checkOrigins(origins);
});

for (const [value, shown] of [[null, "null"], ["*", '"*"'], [true, "true"], [{}, "an object"]]) {
  Deno.test(`rejects ${shown} as allowedOrigins`, () => {
    assert.throws(() => checkOrigins(value), {
      name: "TypeError",
      message:
        `Option "allowedOrigins" must be "same", "any", an array of origins or a function, got ${shown}`,
    });
  });
}

for (
  const origin of ["a.example", "https://a.example/", "https://a.example:443", "null", "*", ""]
) {
  Deno.test(`rejects "${origin}" in a list of origins, because no browser sends it`, () => {
    assert.throws(() => checkOrigins(["https://b.example", origin]), {
      name: "TypeError",
      message:
        `Option "allowedOrigins" must list origins such as "https://example.com", got "${origin}"`,
    });
  });
}

Deno.test("rejects a list of origins with a value that is not a string", () => {
  assert.throws(() => checkOrigins([/a/]), {
    name: "TypeError",
    message: /^Option "allowedOrigins" must list origins .* got an object$/,
  });
});

for (
  const [host, allowed] of [
    ["localhost", true],
    ["localhost:8080", true],
    ["LocalHost:8080", true],
    ["127.0.0.1:80", true],
    ["[::1]", true],
    ["[::1]:8080", true],
    ["evil.example", false],
    ["localhost.evil.example", false],
    ["evil-localhost", false],
    ["localhost.", false],
    ["127.0.0.1.evil.example:80", false],
    ["127.0.0.2", false],
    ["[::2]:8080", false],
    ["::1", false],
    ["", false],
    [":8080", false],
  ] as const
) {
  Deno.test(`"${host}" is ${allowed ? "" : "not "}allowed by the list`, () => {
    assert.equal(isHostAllowed(["localhost", "127.0.0.1", "[::1]"], host), allowed);
  });
}

Deno.test("without a list all hosts are allowed, and with an empty list none", () => {
  assert.equal(isHostAllowed(undefined, "any.example"), true);
  assert.equal(isHostAllowed([], "any.example"), false);
});

Deno.test("answers a request for another host with 421, and the response names the option", () => {
  const { status, code, message } = hostRefused("evil.example:80");
  assert.deepEqual([status, code], [421, "HOST_REFUSED"]);
  assert.match(message, /evil\.example:80.*`allowedHosts`/);
});

Deno.test("list entries are host names as in a request, without a port", () => {
  for (const good of ["localhost", "a.example", "127.0.0.1", "[::1]", "xn--bcher-kva.example"]) {
    assert.equal(isHostName(good), true, good);
  }
  const bad = [
    "",
    "Localhost",
    "a.example:80",
    "::1",
    "http://a.example",
    "a/b",
    "a b",
    "u@a",
    "*",
  ];
  for (const name of bad) assert.equal(isHostName(name), false, name);
});

Deno.test('"same" requires https for a request over TLS', () => {
  const secure = { ...request, url: "wss://a.example/" };
  for (
    const [origin, host, allowed] of [
      ["https://a.example", "a.example", true],
      ["https://a.example", "a.example:443", true],
      ["https://a.example:8443", "a.example:8443", true],
      ["http://a.example", "a.example", false],
      ["http://a.example:443", "a.example:443", false],
      ["http://a.example:8443", "a.example:8443", false],
      ["ftp://a.example", "a.example", false],
      ["chrome-extension://a.example", "a.example", false],
    ] as const
  ) {
    assert.equal(isOriginAllowed("same", [origin], host, secure), allowed, origin);
  }
});

Deno.test("allowedHosts is a list of host names", () => {
  for (const hosts of [undefined, [], ["localhost", "[::1]"]]) checkHosts(hosts);
  for (const hosts of ["localhost", [7], ["a:80"], ["A"], ["*"], {}]) {
    assert.throws(() => checkHosts(hosts), { name: "TypeError", message: /"allowedHosts"/ });
  }
});

/** Returns the client's address and port behind trusted proxies. */
function clientOf(
  trusted: readonly string[],
  peer: string,
  headers: Record<string, string>,
): string {
  const proxies = new TrustedProxies(trusted);
  const { remoteAddress, remotePort } = proxies.clientOf(
    { remoteAddress: peer, remotePort: 9 },
    new Headers(headers),
  );
  return `${remoteAddress} ${remotePort}`;
}

const X = "x-forwarded-for";

/** The trusted proxies, the peer, the header fields, and the expected client. */
const CLIENTS: readonly [string[], string, Record<string, string>, string][] = [
  [[], "10.0.0.1", { [X]: "1.2.3.4" }, "10.0.0.1 9"],
  [["10.0.0.0/8"], "11.0.0.1", { [X]: "1.2.3.4" }, "11.0.0.1 9"],
  [["10.0.0.0/8"], "10.0.0.1", {}, "10.0.0.1 9"],
  [["10.0.0.0/8"], "10.0.0.1", { [X]: "1.2.3.4" }, "1.2.3.4 0"],
  [["10.0.0.0/8"], "10.0.0.1", { [X]: "1.2.3.4:55" }, "1.2.3.4 55"],
  [["10.0.0.0/8"], "10.0.0.1", { [X]: "6.6.6.6, 1.2.3.4" }, "1.2.3.4 0"],
  [["10.0.0.0/8"], "10.0.0.1", { [X]: "6.6.6.6, 1.2.3.4, 10.9.9.9" }, "1.2.3.4 0"],
  [["10.0.0.0/8"], "10.0.0.1", { [X]: "10.0.0.3,10.0.0.2" }, "10.0.0.3 0"],
  [["10.0.0.0/8"], "10.0.0.1", { [X]: "6.6.6.6, unknown" }, "10.0.0.1 9"],
  [["10.0.0.0/8"], "10.0.0.1", { [X]: "6.6.6.6, unknown, 10.0.0.2" }, "10.0.0.2 0"],
  [["10.0.0.0/8"], "10.0.0.1", { [X]: "" }, "10.0.0.1 9"],
  [["10.0.0.0/8"], "10.0.0.1", { [X]: "1.2.3.4,," }, "10.0.0.1 9"],
  [["10.0.0.0/8"], "10.0.0.1", { [X]: "::FFFF:1.2.3.4" }, "1.2.3.4 0"],
  [["::ffff:10.0.0.0/104"], "10.0.0.1", { [X]: "1.2.3.4" }, "1.2.3.4 0"],
  [["::/0"], "10.0.0.1", { [X]: "1.2.3.4" }, "10.0.0.1 9"],
  [["fd00::/8"], "fd12::1", { [X]: "2001:DB8:0:0::1" }, "2001:db8::1 0"],
  [["fd00::/8"], "fd12::1", { [X]: "[2001:db8::1]:443" }, "2001:db8::1 443"],
  [["fd00::/8"], "fe12::1", { [X]: "2001:db8::1" }, "fe12::1 9"],
  [["10.0.0.1"], "10.0.0.1", { [X]: "1.2.3.4" }, "1.2.3.4 0"],
  [["10.0.0.1"], "10.0.0.2", { [X]: "1.2.3.4" }, "10.0.0.2 9"],
  [["0.0.0.0/0"], "10.0.0.2", { [X]: "1.2.3.4" }, "1.2.3.4 0"],
  [["10.0.0.128/25"], "10.0.0.127", { [X]: "1.2.3.4" }, "10.0.0.127 9"],
  [["10.0.0.128/25"], "10.0.0.200", { [X]: "1.2.3.4" }, "1.2.3.4 0"],
  [["10.0.0.1"], "", { [X]: "1.2.3.4" }, " 9"],
  [["unix"], "", { [X]: "1.2.3.4" }, "1.2.3.4 0"],
  [["10.0.0.1"], "10.0.0.1", { forwarded: "for=1.2.3.4;proto=https" }, "1.2.3.4 0"],
  [["10.0.0.1"], "10.0.0.1", { forwarded: 'For="[2001:db8::1]:4711"' }, "2001:db8::1 4711"],
  [["10.0.0.1"], "10.0.0.1", { forwarded: "for=6.6.6.6, by=x; for = 1.2.3.4" }, "1.2.3.4 0"],
  [["10.0.0.1"], "10.0.0.1", { forwarded: 'for="1.2.3.4:_secret"' }, "1.2.3.4 0"],
  [["10.0.0.1"], "10.0.0.1", { forwarded: 'by="a,for=6.6.6.6"' }, "10.0.0.1 9"],
  [["10.0.0.1"], "10.0.0.1", { forwarded: 'for="_hidden"' }, "10.0.0.1 9"],
  [["10.0.0.1"], "10.0.0.1", { forwarded: 'for="' }, "10.0.0.1 9"],
  [["10.0.0.1"], "10.0.0.1", { forwarded: "for=1.2.3.4", [X]: "1.2.3.4" }, "1.2.3.4 0"],
];

for (const [trusted, peer, headers, client] of CLIENTS) {
  const fields = JSON.stringify(headers);
  Deno.test(`the client behind ${peer} with ${fields} is ${client}, if ${trusted} is trusted`, () => {
    assert.equal(clientOf(trusted, peer, headers), client);
  });
}

Deno.test("rejects Forwarded and X-Forwarded-For that name different clients", () => {
  assert.throws(
    () => clientOf(["10.0.0.1"], "10.0.0.1", { forwarded: "for=6.6.6.6", [X]: "1.2.3.4" }),
    { name: "HandshakeError", status: 400 },
  );
  // Fields from an untrusted peer are ignored.
  assert.equal(
    clientOf(["10.0.0.1"], "10.0.0.2", { forwarded: "for=6.6.6.6", [X]: "1.2.3.4" }),
    "10.0.0.2 9",
  );
});

Deno.test("only a trusted proxy can state that its client uses TLS", () => {
  const proxies = new TrustedProxies(["10.0.0.1"]);
  const isSecure = (remoteAddress: string, headers: Record<string, string>): boolean =>
    proxies.isSecure({ remoteAddress, remotePort: 0 }, new Headers(headers));
  assert.equal(isSecure("10.0.0.1", { "x-forwarded-proto": "https" }), true);
  assert.equal(isSecure("10.0.0.1", { "x-forwarded-proto": "http" }), false);
  assert.equal(isSecure("10.0.0.1", { forwarded: "for=1.2.3.4;proto=HTTPS" }), true);
  assert.equal(isSecure("10.0.0.2", { "x-forwarded-proto": "https" }), false);
});

for (
  const list of [
    "10.0.0.1",
    [7],
    ["10.0.0"],
    ["10.0.0.0/33"],
    ["10.0.0.0/-1"],
    ["10.0.0.0/"],
    ["10.0.0.0/08"],
    ["10.0.0.0/8/8"],
    ["::/129"],
    ["proxy.example"],
  ]
) {
  Deno.test(`rejects ${JSON.stringify(list)} as trustedProxies`, () => {
    assert.throws(() => new TrustedProxies(list as string[]), {
      name: "TypeError",
      message: /"trustedProxies"/,
    });
  });
}

Deno.test("normalizes addresses", () => {
  for (
    const [address, normal] of [
      ["::ffff:127.0.0.1", "127.0.0.1"],
      ["::ffff:7f00:1", "127.0.0.1"],
      ["127.0.0.1", "127.0.0.1"],
      ["::1", "::1"],
      ["0:0:0:0:0:0:0:1", "::1"],
      ["2001:0DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
      ["fe80::1%eth0", "fe80::1%eth0"],
      ["", ""],
    ]
  ) {
    assert.equal(normalizeAddress(address), normal);
  }
});

Deno.test("the limits count connections and handshakes together, in total and per address", () => {
  let open = 0;
  const reports: LimitReport[] = [];
  const limits = { maxConnections: 3, maxConnectionsPerAddress: 2, reportOnly: false };
  const count = new ConnectionCount(limits, () => open, (report) => void reports.push(report));
  count.addHandshake("a");
  count.addHandshake("b");
  open = 1;
  assert.throws(() => count.addHandshake("c"), {
    code: "TOO_MANY_CONNECTIONS",
    status: 503,
    message: "Connection limit reached (maxConnections: 3)",
  });
  assert.equal(count.handshakes, 2);
  count.removeHandshake();
  count.addHandshake("c");
  count.addAddress("a");
  count.addAddress("a");
  count.addAddress("");
  count.addAddress("b");
  assert.throws(() => count.addAddress("a"), {
    message: "Connection limit per address reached (maxConnectionsPerAddress: 2)",
  });
  count.removeAddress("a");
  count.addAddress("a");
  assert.deepEqual(reports, [
    { limit: "maxConnections", max: 3, value: 4, remoteAddress: "c", enforced: true },
    { limit: "maxConnectionsPerAddress", max: 2, value: 3, remoteAddress: "a", enforced: true },
  ]);
});

Deno.test("reportOnly reports limits without enforcing them", () => {
  const reports: LimitReport[] = [];
  const limits = { maxConnections: 1, maxConnectionsPerAddress: 1, reportOnly: true };
  const count = new ConnectionCount(limits, () => 0, (report) => void reports.push(report));
  for (let i = 0; i < 2; i++) {
    count.addHandshake("a");
    count.addAddress("a");
  }
  assert.deepEqual(reports.map(({ limit, value, enforced }) => [limit, value, enforced]), [
    ["maxConnections", 2, false],
    ["maxConnectionsPerAddress", 2, false],
  ]);
  assert.equal(count.handshakes, 2);
});
