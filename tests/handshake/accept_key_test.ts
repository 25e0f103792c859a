import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import {
  ACCEPT_LENGTH,
  acceptKey,
  encodeKey,
  isValidKey,
  writeAcceptKey,
} from "../../src/handshake/accept_key.ts";
import { bytesOf, textOf } from "./replay.ts";
import { requestVectors, RFC_ACCEPT, RFC_KEY } from "./vectors.ts";

function expectedAccept(key: string): string {
  return createHash("sha1").update(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
}

Deno.test("computes the accept value of the example in RFC 6455 1.3", () => {
  assert.equal(acceptKey(RFC_KEY), RFC_ACCEPT);
});

Deno.test("matches another SHA-1 for the keys of real clients and for random keys", () => {
  for (const { key } of requestVectors) assert.equal(acceptKey(key), expectedAccept(key));
  for (let i = 0; i < 2000; i++) {
    const key = encodeKey(new Uint8Array(randomBytes(16)));
    assert.equal(acceptKey(key), expectedAccept(key), key);
  }
});

Deno.test("writes the accept value into a buffer", () => {
  const target = new Uint8Array(ACCEPT_LENGTH + 2).fill(0x2e);
  writeAcceptKey(RFC_KEY, target, 1);
  assert.equal(textOf(target), `.${RFC_ACCEPT}.`);
});

Deno.test("encodes a nonce of 16 bytes as a key of 24 characters, throws a RangeError for other sizes", () => {
  assert.equal(encodeKey(bytesOf("the sample nonce")), RFC_KEY);
  for (const length of [0, 15, 17, 32]) {
    assert.throws(() => encodeKey(new Uint8Array(length)), {
      name: "RangeError",
      message: `The nonce has ${length} bytes: it must have 16`,
    });
  }
});

const keys: readonly { title: string; key: string; valid: boolean }[] = [
  { title: "the sample", key: RFC_KEY, valid: true },
  { title: "all kinds of characters", key: "+/azAZ09AAAAAAAAAAAAAA==", valid: true },
  { title: "nonzero trailing bits", key: "AAAAAAAAAAAAAAAAAAAAAB==", valid: true },
  { title: "an empty key", key: "", valid: false },
  { title: "one character", key: "x", valid: false },
  { title: "15 bytes", key: "AAAAAAAAAAAAAAAAAAAA", valid: false },
  { title: "17 bytes", key: "AAAAAAAAAAAAAAAAAAAAAAA=", valid: false },
  { title: "18 bytes", key: "AAAAAAAAAAAAAAAAAAAAAAAA", valid: false },
  { title: "no padding", key: "dGhlIHNhbXBsZSBub25jZQ", valid: false },
  { title: "padding in the middle", key: "dGhlIHNhbXB=ZSBub25jZQ==", valid: false },
  { title: "too much padding", key: "dGhlIHNhbXBsZSBub25jZ===", valid: false },
  { title: "the URL alphabet", key: "-_AAAAAAAAAAAAAAAAAAAA==", valid: false },
  { title: "a space", key: "dGhlIHNhbXBs SBub25jZQ==", valid: false },
  { title: "a character above U+00FF", key: "dGhlIHNhbXBs\u0141SBub25jZQ==", valid: false },
  { title: "two keys", key: `${RFC_KEY}, ${RFC_KEY}`, valid: false },
];

for (const { title, key, valid } of keys) {
  Deno.test(`${title} ${valid ? "is a valid key" : "is not a valid key"}`, () => {
    assert.equal(isValidKey(key), valid);
    if (valid) assert.equal(acceptKey(key), expectedAccept(key));
    else assert.throws(() => acceptKey(key), TypeError);
  });
}
