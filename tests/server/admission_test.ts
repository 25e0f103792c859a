// Which requests a server admits: origins, host names, addresses behind proxies, numbers.

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

/** An origin, the host that is asked for, and whether they are the same. */
const SAME: readonly [origin: string, host: string, same: boolean][] = [
  ["http://a.example", "a.example", true],
  ["https://a.example", "a.example", true],
  ["http://a.example:8080", "a.example:8080", true],
  ["HTTP://A.Example", "a.example", true],
  ["http://a.example", "A.EXAMPLE", true],
  ["http://[::1]:8080", "[::1]:8080", true],
  ["http://[::1]", "[::1]", true],
  ["http://127.0.0.1:3000", "127.0.0.1:3000", true],

  // The port that a scheme stands for may be written or not.
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

  // Parts of a host are nothing.
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

  // What is no origin of a page at all.
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

Deno.test("a client that sends no Origin is no browser and passes, whatever the option", () => {
  for (const origins of ["same", "any", [], ["https://a.example"], () => false] as Origins[]) {
    assert.equal(allows(origins, []), true);
  }
});

Deno.test('"any" lets in every origin, null and nonsense included', () => {
  for (const origin of ["http://evil", "null", "", "%"]) {
    assert.equal(allows("any", [origin]), true);
  }
});

Deno.test("a list lets in exactly its members", () => {
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

Deno.test("a list does not let in the server's own host unless it is on it", () => {
  assert.equal(allows(["https://b.example"], ["https://a.example"], "a.example"), false);
  assert.equal(allows([], ["https://a.example"], "a.example"), false);
});

Deno.test("a function is asked with the origin and the request, and only true lets in", () => {
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

Deno.test("two Origin lines are nobody's origin, even if both of them would be let in", () => {
  const twice = ["http://a.example", "http://a.example"];
  for (const origins of ["same", ["http://a.example"], () => true] as Origins[]) {
    assert.equal(allows(origins, twice), false);
  }
});

Deno.test("an option that says whose pages may connect is taken", () => {
  const list = ["https://a.example", "http://[::1]:8080", "app://id"];
  for (const origins of [undefined, "same", "any", () => true, [], list]) checkOrigins(origins);
});

for (const [value, shown] of [[null, "null"], ["*", '"*"'], [true, "true"], [{}, "an object"]]) {
  Deno.test(`${shown} says nothing about pages`, () => {
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
  Deno.test(`"${origin}" cannot be on a list of origins, because no browser sends it`, () => {
    assert.throws(() => checkOrigins(["https://b.example", origin]), {
      name: "TypeError",
      message:
        `Option "allowedOrigins" must list origins such as "https://example.com", got "${origin}"`,
    });
  });
}

Deno.test("an origin on the list that is no string is refused", () => {
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
  Deno.test(`"${host}" is ${allowed ? "" : "not "}one of the names on the list`, () => {
    assert.equal(isHostAllowed(["localhost", "127.0.0.1", "[::1]"], host), allowed);
  });
}

Deno.test("without a list every name is ours, and with an empty one none", () => {
  assert.equal(isHostAllowed(undefined, "any.example"), true);
  assert.equal(isHostAllowed([], "any.example"), false);
});

Deno.test("the answer to another name is 421 and names the option", () => {
  const { status, code, message } = hostRefused("evil.example:80");
  assert.deepEqual([status, code], [421, "HOST_REFUSED"]);
  assert.match(message, /evil\.example:80.*`allowedHosts`/);
});

Deno.test("names on the list are hosts as requests have them, without a port", () => {
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
