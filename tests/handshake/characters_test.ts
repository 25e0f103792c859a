import assert from "node:assert/strict";
import {
  BASE64,
  CLASSES,
  consistsOf,
  DIGIT,
  equalsIgnoringCase,
  FIELD_TEXT,
  isToken,
  isWhitespace,
  TOKEN,
  trimmed,
  VISIBLE,
} from "../../src/handshake/characters.ts";

function membersOf(bit: number): string {
  return Array.from(CLASSES, (bits, code) => (bits & bit) !== 0 ? String.fromCharCode(code) : "")
    .join("");
}

Deno.test("token characters match RFC 9110 5.6.2", () => {
  const expected = [
    ..."!#$%&'*+-.^_`|~0123456789",
    ..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
  ].sort().join("");
  assert.equal(membersOf(TOKEN), expected);
});

Deno.test("a field value contains only visible ASCII, spaces and tabs", () => {
  for (let code = 0; code < 256; code++) {
    const allowed = code === 0x09 || (code >= 0x20 && code <= 0x7e);
    assert.equal((CLASSES[code] & FIELD_TEXT) !== 0, allowed, `0x${code.toString(16)}`);
    assert.equal((CLASSES[code] & VISIBLE) !== 0, code >= 0x21 && code <= 0x7e);
  }
});

Deno.test("classifies 64 base64 characters and ten digits", () => {
  assert.equal(membersOf(BASE64).length, 64);
  assert.equal(membersOf(DIGIT), "0123456789");
});

Deno.test("a character outside Latin-1 belongs to no class", () => {
  assert.equal(consistsOf("caf\u00e9", FIELD_TEXT), false);
  assert.equal(consistsOf("\u4e16", FIELD_TEXT), false);
  assert.equal(isToken("\u0141"), false);
});

Deno.test("an empty string is not a token", () => {
  assert.equal(isToken(""), false);
  assert.equal(isToken("chat.v1"), true);
  assert.equal(isToken("a b"), false);
});

Deno.test("trims only spaces and tabs", () => {
  assert.equal(trimmed(" \t a b\t ", 0, 8), "a b");
  assert.equal(trimmed("   ", 0, 3), "");
  assert.equal(trimmed("\u00a0a", 0, 2), "\u00a0a");
  assert.equal(isWhitespace(0x0b), false);
});

Deno.test("ignores case for ASCII letters only", () => {
  const equals = (a: string, b: string): boolean => equalsIgnoringCase(a, 0, a.length, b);
  assert.equal(equals("WebSocket", "websocket"), true);
  assert.equal(equals("websocket", "websockets"), false);
  // `toLowerCase` turns the Kelvin sign into a k.
  assert.equal(equals("websoc\u212aet", "websocket"), false);
  // These also differ by 0x20, but are not letters.
  assert.equal(equals("[", "{"), false);
  assert.equal(equals("@", "`"), false);
});
