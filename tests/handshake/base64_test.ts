import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { encodeBase64, writeBase64 } from "../../src/handshake/accept_key.ts";
import { bytesOf, textOf } from "./replay.ts";

Deno.test("encodes the test vectors of RFC 4648 section 10", () => {
  const vectors = [
    ["", ""],
    ["f", "Zg=="],
    ["fo", "Zm8="],
    ["foo", "Zm9v"],
    ["foob", "Zm9vYg=="],
    ["fooba", "Zm9vYmE="],
    ["foobar", "Zm9vYmFy"],
  ];
  for (const [plain, encoded] of vectors) assert.equal(encodeBase64(bytesOf(plain)), encoded);
});

Deno.test("matches another base64 encoder for all byte values and for random inputs of every short length", () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  assert.equal(encodeBase64(all), btoa(textOf(all)));
  for (let length = 0; length < 64; length++) {
    const bytes = new Uint8Array(randomBytes(length));
    assert.equal(encodeBase64(bytes), btoa(textOf(bytes)));
  }
});

Deno.test("writes only at the given position", () => {
  const target = bytesOf("..........");
  writeBase64(bytesOf("fo"), target, 3);
  assert.equal(textOf(target), "...Zm8=...");
});
