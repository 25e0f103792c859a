import assert from "node:assert/strict";
import { connectRules } from "../../src/client/connect_options.ts";
import { findProxy, type ProxyOption, type ProxyServer } from "../../src/client/proxy.ts";

const URL_OF_TARGET = "ws://a.example/";

const PROXIES: readonly [url: string, server: Partial<ProxyServer>][] = [
  ["http://proxy.example", {
    scheme: "http",
    hostname: "proxy.example",
    port: 80,
    credentials: undefined,
  }],
  ["https://proxy.example/", { scheme: "https", port: 443 }],
  ["socks5://proxy.example", { scheme: "socks5", hostname: "proxy.example", port: 1080 }],
  ["socks5h://proxy.example", { scheme: "socks5h", port: 1080 }],
  ["http://proxy.example:80", { port: 80 }],
  ["http://proxy.example:3128", { port: 3128 }],
  ["socks5://proxy.example:80", { port: 80 }],
  ["HTTP://Proxy.Example:3128", { scheme: "http", hostname: "proxy.example" }],
  ["SOCKS5H://Proxy.Example", { scheme: "socks5h", hostname: "proxy.example" }],
  ["http://[2001:DB8::1]:3128", { hostname: "2001:db8::1" }],
  ["socks5://[2001:DB8::1]", { hostname: "2001:db8::1" }],
  ["http://127.1", { hostname: "127.0.0.1" }],
  ["socks5://127.1", { hostname: "127.0.0.1" }],
  ["http://b\u00fccher.example", { hostname: "xn--bcher-kva.example" }],
  ["socks5://b\u00fccher.example", { hostname: "xn--bcher-kva.example" }],
  // The path and query are ignored.
  ["http://proxy.example/path?query", { hostname: "proxy.example", port: 80 }],
];

for (const [url, expected] of PROXIES) {
  Deno.test(`accepts ${url} as a proxy`, () => {
    for (const option of [url, new URL(url), () => url, () => new URL(url)]) {
      const server = findProxy(option, URL_OF_TARGET)!;
      for (const [name, value] of Object.entries(expected)) {
        assert.equal(server[name as keyof ProxyServer], value);
      }
    }
  });
}

for (
  const [info, username, password] of [
    ["user:secret", "user", "secret"],
    ["user", "user", ""],
    ["user:", "user", ""],
    ["us%65r:p%40ss%2F%3A%25", "user", "p@ss/:%"],
    ["j%C3%BCrgen:%F0%9F%94%91", "j\u00fcrgen", "\u{1f511}"],
    ["j\u00fcrgen:\u{1f511}", "j\u00fcrgen", "\u{1f511}"],
    ["user:with:colons", "user", "with:colons"],
    // A plus is not decoded as a space.
    ["a+b:c+d", "a+b", "c+d"],
  ]
) {
  Deno.test(`reads user and password from ${info} in the URL`, () => {
    for (const scheme of ["http", "https", "socks5", "socks5h"]) {
      const server = findProxy(`${scheme}://${info}@proxy.example`, URL_OF_TARGET)!;
      assert.deepEqual(server.credentials, { username, password });
      assert.equal(server.hostname, "proxy.example");
    }
  });
}

Deno.test("a proxy function receives the URL and may return undefined", () => {
  const asked: URL[] = [];
  const option = (url: URL): undefined => {
    asked.push(url);
  };
  assert.equal(findProxy(option, "wss://a.example/chat?x"), undefined);
  assert.equal(findProxy(undefined, "wss://a.example/chat?x"), undefined);
  assert.deepEqual(asked.map(String), ["wss://a.example/chat?x"]);
  assert.ok(asked[0] instanceof URL);
});

Deno.test("rethrows errors thrown by a proxy function", () => {
  const error = new Error("no route");
  assert.throws(() =>
    findProxy(() => {
      throw error;
    }, URL_OF_TARGET), (thrown) => thrown === error);
});

const NO_PROXIES: readonly [option: unknown, shown: string][] = [
  ["proxy.example:3128", '"proxy.example:3128"'],
  ["proxy.example", '"proxy.example"'],
  ["", '""'],
  ["ftp://proxy.example", '"ftp://proxy.example"'],
  ["socks4://proxy.example", '"socks4://proxy.example"'],
  ["ws://proxy.example", '"ws://proxy.example"'],
  ["http://", '"http://"'],
  ["socks5://", '"socks5://"'],
  ["socks5:proxy.example", '"socks5:proxy.example"'],
  ["http://proxy.example:99999", '"http://proxy.example:99999"'],
  ["socks5://proxy.example:99999", '"socks5://proxy.example:99999"'],
  ["http://a b", '"http://a b"'],
  // Error messages must not contain passwords.
  ["ftp://user:secret@proxy.example", '"ftp://***@proxy.example/"'],
  ["http://user:sec/ret@proxy.example", '"http://***@proxy.example"'],
  ["user:secret@proxy.example:3128", '"user:***@proxy.example:3128"'],
  ["http://user:sec@ret@proxy.example:x", '"http://***@proxy.example:x"'],
];

for (const [option, shown] of NO_PROXIES) {
  Deno.test(`rejects ${shown} as a proxy URL`, () => {
    for (const given of [option, () => option]) {
      assert.throws(() => findProxy(given as ProxyOption, URL_OF_TARGET), (error: Error) => {
        assert.equal(error.name, "TypeError");
        assert.equal(
          error.message,
          'Option "proxy" must be a URL with a host that begins with http://, https://, ' +
            `socks5:// or socks5h://, got ${shown}`,
        );
        // The runtime's error would contain the URL.
        assert.equal(error.cause, undefined);
        return true;
      });
    }
  });
}

for (const option of [7, null, true, {}, ["http://proxy.example"], Promise.resolve("http://x")]) {
  Deno.test(`rejects ${String(option)} as a proxy`, () => {
    for (const given of [option, () => option]) {
      assert.throws(() => findProxy(given as ProxyOption, URL_OF_TARGET), {
        name: "TypeError",
        message: /^Option "proxy" must be a URL or a function that returns one, got /,
      });
    }
  });
}

Deno.test("rejects malformed percent-encoding with a TypeError that hides the value", () => {
  for (const info of ["%", "user:%", "%zz:secret", "user:%4", "%ff", "user:%c3", "%ED%A0%80"]) {
    for (const scheme of ["http", "socks5"]) {
      assert.throws(() => findProxy(`${scheme}://${info}@proxy.example`, URL_OF_TARGET), {
        name: "TypeError",
        message: 'The user and password of option "proxy" must be percent-encoded UTF-8: write % ' +
          "as %25",
      });
    }
  }
});

Deno.test("rejects credentials that the proxy's protocol cannot encode", () => {
  for (
    const [url, error] of [
      ["http://a%3Ab:c@proxy.example", TypeError],
      ["https://user:%0d%0a@proxy.example", TypeError],
      ["socks5://:secret@proxy.example", RangeError],
      [`socks5h://user:${"x".repeat(256)}@proxy.example`, RangeError],
    ] as const
  ) {
    assert.throws(() => findProxy(url, URL_OF_TARGET), error);
  }
});

Deno.test("rejects port 0 for a proxy", () => {
  assert.throws(() => findProxy("socks5://proxy.example:0", URL_OF_TARGET), {
    name: "RangeError",
    message: "0 is not a port: it must be an integer from 1 to 65535",
  });
});

Deno.test("rejects proxy and dial together", () => {
  const dial = (): Promise<never> => Promise.reject(new Error("never called"));
  assert.throws(() => connectRules({ proxy: "http://proxy.example", dial }), {
    name: "TypeError",
    message: 'Option "proxy" cannot be given together with "dial"',
  });
});
