import assert from "node:assert/strict";
import { authorityOf } from "../../src/proxy/dialogue.ts";

for (
  const [hostname, port, authority] of [
    ["a.example", 80, "a.example:80"],
    ["127.0.0.1", 65535, "127.0.0.1:65535"],
    ["::1", 1, "[::1]:1"],
    ["xn--bcher-kva.example", 443, "xn--bcher-kva.example:443"],
  ] as [string, number, string][]
) {
  Deno.test(`accepts ${authority} as a target`, () => {
    assert.equal(authorityOf({ hostname, port }), authority);
  });
}

for (
  const hostname of [
    "",
    "a example",
    "a.example\r\nX: 1",
    "a.example\0",
    "a.example/path",
    "user@a.example",
    "a.example:80",
    "[::1]",
    "fe80::1%eth0",
    "b\u00fccher.example",
  ]
) {
  Deno.test(`rejects ${JSON.stringify(hostname)} as the host of a target`, () => {
    assert.throws(() => authorityOf({ hostname, port: 80 }), {
      name: "TypeError",
      message: `"${hostname}" is neither a host name nor an IP address`,
    });
  });
}

Deno.test("a port is an integer from 1 to 65535", () => {
  for (const port of [0, -1, 65536, 1.5, NaN]) {
    assert.throws(() => authorityOf({ hostname: "a.example", port }), {
      name: "RangeError",
      message: `${port} is not a port: it must be an integer from 1 to 65535`,
    });
  }
});
