import assert from "node:assert/strict";
import { HeaderFields } from "../../src/handshake/header_fields.ts";
import {
  encodeBody,
  encodeHead,
  formatFields,
  isHost,
  isOriginForm,
  userFields,
  writeAscii,
} from "../../src/handshake/outgoing.ts";
import { bytesOf, textOf } from "./replay.ts";

Deno.test("encodes a head followed by its body", () => {
  assert.equal(textOf(encodeHead("A: 1\r\n\r\n")), "A: 1\r\n\r\n");
  assert.equal(textOf(encodeHead("A\r\n\r\n", bytesOf("\xff\0"))), "A\r\n\r\n\xff\0");
  const target = bytesOf("....");
  writeAscii("ab", target, 1);
  assert.equal(textOf(target), ".ab.");
});

Deno.test("encodes a text body as UTF-8, keeps bytes, and makes an absent body empty", () => {
  const bytes = new Uint8Array([1, 2]);
  assert.deepEqual(encodeBody("\u00e9"), new Uint8Array([0xc3, 0xa9]));
  assert.equal(encodeBody(bytes), bytes);
  assert.equal(encodeBody(undefined).length, 0);
});

Deno.test("accepts the user's header fields from any iterable of pairs", () => {
  const reserved = new Map<string, string>();
  const expected = "x-a: 1\r\nx-b: 2\r\n";
  const pairs: [string, string][] = [["x-a", "1"], ["x-b", "2"]];
  function* generated(): Generator<[string, string]> {
    yield* pairs;
  }
  for (const headers of [pairs, new Headers(pairs), new Map(pairs), new HeaderFields(pairs)]) {
    assert.equal(formatFields(userFields(headers, reserved)), expected);
  }
  assert.equal(formatFields(userFields(generated(), reserved)), expected);
});

Deno.test("writes the names of the user's fields unchanged", () => {
  assert.equal(formatFields(userFields([["X-Id", "1"]], new Map())), "X-Id: 1\r\n");
});

Deno.test("rejects a reserved field in upper or lower case, and the error names the alternative", () => {
  const reserved = new Map([["host", "the URL sets it"]]);
  for (const name of ["host", "Host", "HOST"]) {
    assert.throws(() => userFields([[name, "a"]], reserved), {
      name: "TypeError",
      message: `The header field ${name} cannot be given in headers: the URL sets it`,
    });
  }
});

const hosts: readonly [host: string, valid: boolean][] = [
  ["a.example", true],
  ["a.example:8080", true],
  ["a.example:", true],
  ["127.0.0.1:80", true],
  ["xn--nxasmq6b", true],
  ["my_host-1~!", true],
  ["[::1]", true],
  ["a..example", true],
  ["a.example.", true],
  ["127.0.0.1.", true],
  ["1.example", true],
  ["a.0xg", true],
  ["[::ffff:127.0.0.1]:65535", true],
  ["", false],
  [":80", false],
  ["a:b", false],
  ["a:65536", false],
  ["a:80:80", false],
  ["a:-1", false],
  ["a:1e3", false],
  ["::1", false],
  ["[", false],
  ["999.1.1.1", false],
  ["1.2.3", false],
  ["1.2.3.04", false],
  ["a.1", false],
  ["0x7f.1", false],
  ["0x7f000001", false],
  ["a.0x", false],
  ["a.0x.", false],
  ["2130706433", false],
  ["h%00.example", false],
  ["h%41.example", false],
  ["[1:2]", false],
  ["[:::]", false],
  ["[127.0.0.1]", false],
  ["[::1].example", false],
  ["[]", false],
  ["[::1", false],
  ["[::1]x", false],
  ["[g::1]", false],
  ["[::1%eth0]", false],
  ["user@a.example", false],
  ["a.example/path", false],
  ["a.example?x", false],
  ["a.example#x", false],
  ["a example", false],
  ["a, b", false],
  ["a\\b", false],
  ["caf\u00e9", false],
  ["a\r\nX: y", false],
];

for (const [host, valid] of hosts) {
  Deno.test(`${JSON.stringify(host)} ${valid ? "is" : "is not"} a host`, () => {
    assert.equal(isHost(host), valid);
  });
}

Deno.test("every ASCII host is valid in a URL", () => {
  for (let code = 0; code < 128; code++) {
    for (const host of ["a#b.example", "a.#", "#", "1.2.3.#", "[::#]", "a.example:#"]) {
      const name = host.replace("#", String.fromCharCode(code));
      if (isHost(name)) assert.ok(URL.canParse(`http://${name}/`), JSON.stringify(name));
    }
  }
});

Deno.test("a target is a path with or without a query", () => {
  for (const target of ["/", "/a/b?c=d&e", "//a", '/"<>{}|^`', "/%20"]) {
    assert.equal(isOriginForm(target), true, target);
  }
  for (
    const target of [
      "",
      "a",
      "*",
      "http://a/",
      "/ ",
      "/a b",
      "/a\r\n",
      "/\0",
      "/\t",
      "/#a",
      "/\u00e9",
    ]
  ) {
    assert.equal(isOriginForm(target), false, JSON.stringify(target));
  }
});
