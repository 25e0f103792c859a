import assert from "node:assert/strict";
import { parseTarget, redacted, type Target } from "../../src/client/url.ts";

/** URLs with their parsed targets. */
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

  // The default port of the scheme is omitted, as in the Host field (RFC 9110 7.2).
  ["ws://a.example:80/", { url: "ws://a.example/", port: 80, host: "a.example" }],
  ["wss://a.example:443/", { url: "wss://a.example/", port: 443, host: "a.example" }],
  ["ws://a.example:443/", { url: "ws://a.example:443/", port: 443, host: "a.example:443" }],
  ["wss://a.example:80/", { url: "wss://a.example:80/", port: 80, host: "a.example:80" }],
  ["https://a.example:443/", { port: 443, host: "a.example" }],

  // IPv6 addresses have brackets only in URLs and in the Host field.
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

  // User information becomes credentials (RFC 7617) and is removed from the URL.
  ["ws://user:pass@a.example/", {
    url: "ws://a.example/",
    host: "a.example",
    authorization: `Basic ${btoa("user:pass")}`,
  }],
  ["ws://user@a.example/", { authorization: `Basic ${btoa("user:")}` }],
  ["ws://:pass@a.example/", { authorization: `Basic ${btoa(":pass")}` }],
  ["ws://us%3Aer:p%40ss@a.example/", { authorization: `Basic ${btoa("us:er:p@ss")}` }],
  ["ws+unix:/run/chat.sock:/room?x=1", {
    url: "ws+unix:/run/chat.sock:/room?x=1",
    secure: false,
    unix: "/run/chat.sock",
    host: "localhost",
    path: "/room?x=1",
  }],
  ["wss+unix:/run/chat.sock", { secure: true, unix: "/run/chat.sock", path: "/" }],
  ["ws+unix:///run/a%20b%3Ac%3Fd.sock:/", { unix: "/run/a b:c?d.sock", path: "/" }],
  ["ws+unix:chat.sock:/", { unix: "chat.sock", path: "/" }],
  ["ws://caf%C3%A9:x@a.example/", { authorization: `Basic ${btoa("caf\xc3\xa9:x")}` }],
];

for (const [url, expected] of TARGETS) {
  Deno.test(`parses ${JSON.stringify(url)} as a string and as a URL`, () => {
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
  // RFC 6455 section 3: a URL has no fragment.
  ["ws://a.example/#top", /^The URL must not have a fragment, got "ws:\/\/a\.example\/#\*\*\*"$/],
  [new URL("wss://a.example/x#y"), /^The URL must not have a fragment/],
  [undefined, /^The URL must be a string or a URL, got undefined$/],
  [null, /^The URL must be a string or a URL, got null$/],
  [7, /^The URL must be a string or a URL, got 7$/],
  [{ href: "ws://a.example/" }, /^The URL must be a string or a URL, got an object$/],
  ["ws+unix:", /^The URL of a unix socket must be ws\+unix:/],
  ["ws+unix://host/x.sock:/", /^The URL of a unix socket must be ws\+unix:/],
  ["ws+unix:/x.sock:chat", /^The URL of a unix socket must be ws\+unix:/],
  ["ws+unix:/%zz.sock:/", /^The path of the unix socket must be percent-encoded UTF-8/],
  // "%zz" is malformed percent-encoding.
  ["ws://us%zzer@a.example/", /user/],
  ["ws://user:%ff@a.example/", /password/],
];

for (const [url, message] of BAD_URLS) {
  Deno.test(`rejects ${String(url) || "the empty string"} as a server URL with a TypeError`, () => {
    assert.throws(() => parseTarget(url as string), { name: "TypeError", message });
  });
}

/** URLs with secrets, and their form in error messages. */
const SECRET: readonly [url: string, shown: string][] = [
  ["ws://user:secret@a.example/chat?token=secret", "ws://***@a.example/chat?***"],
  ["ws://secret@a.example:8080/", "ws://***@a.example:8080/"],
  ["ws://a.example/chat?token=secret#secret", "ws://a.example/chat?***#***"],
  ["ws://a.example/chat?mail=a@b.example", "ws://a.example/chat?***"],
  ["wss//user:secret@a.example/?token=secret", "***@a.example/?***"],
  ["wss:/user:secret@a.example", "wss://***@a.example/"],
  ["ftp://a.example", "ftp://a.example"],
  ["ws://user:sec/ret@a.example/", "ws://***@a.example/"],
  ["ws://user:sec?ret@a.example/", "ws://***@a.example/"],
  ["ws://user:sec#ret@a.example/", "ws://***@a.example/"],
  ["ws://user:se@cret@a example/", "ws://***@a example/"],
  ["ws://user:sec\nret@a example/x?secret", "ws://***@a example/x?***"],
  ["foo:user:secret@a.example?secret", "foo:***@a.example?***"],
  ["ws://a.example/", "ws://a.example/"],
  ["", ""],
];

for (const [url, shown] of SECRET) {
  Deno.test(`error messages show ${JSON.stringify(url)} without secrets`, () => {
    assert.equal(redacted(url), shown);
    let message = "";
    try {
      parseTarget(`${url}#`.replace("ws:", "gopher:"));
    } catch (error) {
      message = String(error) + String((error as Error).cause);
    }
    assert.doesNotMatch(message, /secret|sec.ret/s);
  });
}
