import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { sha1 } from "../../src/handshake/accept_key.ts";
import { bytesOf } from "./replay.ts";

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The vectors of RFC 3174 section 7.3, and the empty message. */
const vectors: readonly { title: string; text: string; digest: string }[] = [
  { title: "TEST1", text: "abc", digest: "a9993e364706816aba3e25717850c26c9cd0d89d" },
  {
    title: "TEST2",
    text: "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    digest: "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
  },
  {
    title: "TEST3",
    text: "a".repeat(1000000),
    digest: "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
  },
  {
    title: "TEST4",
    text: "0123456701234567012345670123456701234567012345670123456701234567".repeat(10),
    digest: "dea356a2cddd90c7a7ecedc5ebb563934f460452",
  },
  { title: "empty", text: "", digest: "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
];

for (const { title, text, digest } of vectors) {
  Deno.test(`the SHA-1 digest of the ${title} message matches the published one`, () => {
    assert.equal(hex(sha1(bytesOf(text))), digest);
  });
}

Deno.test("matches another SHA-1 for random messages of every length around the block sizes", () => {
  for (let length = 0; length <= 300; length++) {
    for (let round = 0; round < 4; round++) {
      const message = new Uint8Array(randomBytes(length));
      const expected = createHash("sha1").update(message).digest("hex");
      assert.equal(hex(sha1(message)), expected, `${length} bytes`);
    }
  }
});

Deno.test("does not modify the message, and does not overwrite an earlier digest", () => {
  const message = bytesOf("abc");
  const digest = sha1(message);
  const before = hex(digest);
  sha1(bytesOf("abcd"));
  assert.equal(hex(digest), before);
  assert.deepEqual(message, bytesOf("abc"));
});

Deno.test("hashes a view in the middle of a buffer", () => {
  const bytes = bytesOf("xxabcyy");
  assert.equal(hex(sha1(bytes.subarray(2, 5))), "a9993e364706816aba3e25717850c26c9cd0d89d");
});
