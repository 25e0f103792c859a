// Creates request and response heads with valid and invalid lines.

import assert from "node:assert/strict";
import { editFields, encodeHead } from "../../doctor/head.ts";
import { utf8 } from "../../doctor/steps.ts";

const FIELDS = [["Host", "a"], ["Upgrade", "websocket"]] as const;

Deno.test("fields keep their order and can be replaced, duplicated, omitted or added", () => {
  assert.deepEqual(editFields(FIELDS), FIELDS);
  assert.deepEqual(editFields(FIELDS, { Host: null }), [["Upgrade", "websocket"]]);
  assert.deepEqual(editFields(FIELDS, { Host: ["a", "b"], "X-More": "1" }), [
    ["Host", "a"],
    ["Host", "b"],
    ["Upgrade", "websocket"],
    ["X-More", "1"],
  ]);
});

function headText(...args: Parameters<typeof encodeHead>): string {
  return new TextDecoder().decode(encodeHead(...args));
}

Deno.test("a head ends with an empty line", () => {
  assert.equal(
    headText("GET / HTTP/1.1", [["Host", "a"]], {}),
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
  );
});

Deno.test("sends raw lines and other line endings unchanged", () => {
  const opening = { rawLines: [utf8("X : 1")], lineEnd: "\n" };
  assert.equal(headText("GET / HTTP/1.1", [], opening), "GET / HTTP/1.1\nX : 1\n\n");
});

Deno.test("can send other bytes instead of a head", () => {
  assert.equal(headText("GET / HTTP/1.1", [], { instead: utf8("hello") }), "hello");
});
