import assert from "node:assert/strict";
import { inflate } from "../../src/deflate/inflate.ts";
import { store, storedSize } from "../../src/deflate/deflate.ts";
import { Random } from "../support/random.ts";
import { hex } from "../support/vectors.ts";
import { zlibInflate } from "./oracles.ts";

Deno.test("a stored message consists of LEN, NLEN, the bytes and the header of the sync flush", () => {
  const target = new Uint8Array(11).fill(0xa5);
  const source = Uint8Array.of(0xff, 0x48, 0x69, 0xff);
  assert.equal(store(source, 1, 3, target, 1), 9);
  assert.deepEqual(target, hex("a5 00 02 00 fd ff 48 69 00 a5 a5"));
});

Deno.test("a stored message has the computed size, and zlib and quickws decompress it", () => {
  const random = new Random(301);
  for (const size of [0, 1, 1000, 65534, 65535, 65536, 131070, 131071, 300000]) {
    const bytes = random.bytes(size);
    const target = new Uint8Array(storedSize(size));
    assert.equal(store(bytes, 0, size, target, 0), target.length);
    assert.deepEqual(Uint8Array.from(zlibInflate(target)!.bytes), bytes);
    assert.deepEqual(inflate(target, 0, target.length, size), bytes);
  }
});
