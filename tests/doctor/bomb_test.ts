// The library's decoder and zlib decompress the bomb to the specified size.

import assert from "node:assert/strict";
import { inflateRawSync } from "node:zlib";
import { bombOf } from "../../doctor/cases/bomb.ts";
import { inflate } from "../../src/core.ts";

const TAIL = [0, 0, 0xff, 0xff];

for (const size of [0, 1, 2, 257, 258, 259, 1000, 1 << 20]) {
  Deno.test(`a bomb decompresses to ${size} zeros`, () => {
    const bomb = bombOf(size);
    const quickws = inflate(bomb, 0, bomb.length, size);
    assert.equal(quickws.length, size);
    assert.ok(quickws.every((byte) => byte === 0));
    const reference = inflateRawSync(Uint8Array.of(...bomb, ...TAIL), { finishFlush: 2 });
    assert.equal(reference.length, size);
  });
}

Deno.test("a large bomb is small on the wire", () => {
  assert.ok(bombOf(64 << 20).length < 512 * 1024);
});
