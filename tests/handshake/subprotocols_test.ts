import assert from "node:assert/strict";
import {
  assertSubprotocols,
  chooseSubprotocol,
  parseSubprotocols,
} from "../../src/handshake/subprotocols.ts";

Deno.test("reads the names in all lines, in order", () => {
  const lists: [lines: string[], names: string[]][] = [
    [[], []],
    [["chat"], ["chat"]],
    [["chat, superchat"], ["chat", "superchat"]],
    [["chat,superchat"], ["chat", "superchat"]],
    [["b\t, \ta"], ["b", "a"]],
    [["c", "a, b"], ["c", "a", "b"]],
    [["Chat, chat"], ["Chat", "chat"]],
    [[", a,, b ,"], ["a", "b"]],
    [["", "a"], ["a"]],
    [["soap|v1.2!#$%&'*+-.^_`~"], ["soap|v1.2!#$%&'*+-.^_`~"]],
    [["__proto__, constructor"], ["__proto__", "constructor"]],
  ];
  for (const [lines, names] of lists) assert.deepEqual(parseSubprotocols(lines), names);
});

Deno.test("rejects a malformed list with 400", () => {
  const lists: [lines: string[], message: RegExp][] = [
    [[""], /names no subprotocol/],
    [[" , ,"], /names no subprotocol/],
    [["a b"], /not a token/],
    [['"chat"'], /not a token/],
    [["chat/1"], /not a token/],
    [["chat;q=1"], /not a token/],
    [["chat, (x)"], /not a token/],
    [["caf\u00e9"], /not a token/],
    [["a, a"], /named twice/],
    [["a, b", "c, a"], /named twice/],
  ];
  for (const [lines, message] of lists) {
    assert.throws(
      () => parseSubprotocols(lines),
      { name: "HandshakeError", code: "HEAD_MALFORMED", status: 400, message },
      JSON.stringify(lines),
    );
  }
});

Deno.test("parses thousands of names in linear time", () => {
  const names = Array.from({ length: 50000 }, (_, i) => `p${i}`);
  assert.deepEqual(parseSubprotocols([names.join(",")]), names);
  assert.deepEqual(parseSubprotocols([",".repeat(250000) + "a"]), ["a"]);
});

Deno.test("selects a requested subprotocol in the server's order of preference", () => {
  assert.equal(chooseSubprotocol(["v2", "v1"], ["v1", "v2"]), "v2");
  assert.equal(chooseSubprotocol(["v3", "v1"], ["v1", "v2"]), "v1");
  assert.equal(chooseSubprotocol(["v3"], ["v1", "v2"]), undefined);
  assert.equal(chooseSubprotocol([], ["v1"]), undefined);
  assert.equal(chooseSubprotocol(["v1"], []), undefined);
  assert.equal(chooseSubprotocol(["V1"], ["v1"]), undefined);
});

Deno.test("rejects invalid or duplicate tokens in the user's list", () => {
  assertSubprotocols([]);
  assertSubprotocols(["chat", "Chat"]);
  for (const bad of ["", "a b", "a,b", "a\r\nX: y", "caf\u00e9", 7 as unknown as string]) {
    assert.throws(() => assertSubprotocols(["ok", bad]), {
      name: "TypeError",
      message: /^subprotocols\[1\] is .*: a subprotocol is a token/,
    });
  }
  assert.throws(() => assertSubprotocols(["a", "b", "a"]), {
    name: "TypeError",
    message: 'subprotocols names "a" twice',
  });
});
