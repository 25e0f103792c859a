// Escapes control characters in the peer's text.

import assert from "node:assert/strict";
import { escapeInJson, printable } from "../../doctor/printable.ts";

const shown: [text: string, escaped: string][] = [
  ["plain text, \u00fc and \u{1f600}", "plain text, \u00fc and \u{1f600}"],
  ["\u001b[2J\u001b]0;title\u0007", "\\u001b[2J\\u001b]0;title\\u0007"],
  ["\u009b31m", "\\u009b31m"],
  ["a\r\nb\tc\u0008\u007f", "a\\r\\nb\\u0009c\\u0008\\u007f"],
  ["a\u202eb\u2066c\u200b", "a\\u202eb\\u2066c\\u200b"],
  ["a\u2028b\ud800c", "a\\u2028b\\ud800c"],
];

for (const [text, escaped] of shown) {
  Deno.test(`printable: ${escaped}`, () => assert.equal(printable(text), escaped));
}

Deno.test("truncates a long text", () => {
  assert.equal(printable("x".repeat(1000)).length, 1000);
  assert.equal(printable("x".repeat(60_000)), `${"x".repeat(1000)}...`);
});

Deno.test("removes control characters from JSON without changing its value", () => {
  const value = { agent: "\u009b31m\u007f\u202e\u{e0001}\ud800", lines: "a\nb" };
  const json = escapeInJson(JSON.stringify(value, null, 2));
  assert.deepEqual(JSON.parse(json), value);
  // deno-lint-ignore no-control-regex -- searches for control characters
  assert.doesNotMatch(json, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
});
