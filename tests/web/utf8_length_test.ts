// The length of a message in bytes, which `bufferedAmount` counts.

import assert from "node:assert/strict";
import { utf8Length } from "../../src/web/protocol_connection.ts";

const UNITS = [
  "a",
  "\u007f",
  "\u0080",
  "\u07ff",
  "\u0800",
  "\uffff",
  "\ud800",
  "\udc00",
  "\ud83d\ude00",
];

Deno.test("the length of a string in UTF-8 is that of TextEncoder, surrogates included", () => {
  for (const first of UNITS) {
    for (const second of UNITS) {
      for (const third of UNITS) {
        const text = first + second + third;
        assert.equal(utf8Length(text), new TextEncoder().encode(text).length, JSON.stringify(text));
      }
    }
  }
});
