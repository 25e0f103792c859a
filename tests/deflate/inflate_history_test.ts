import assert from "node:assert/strict";
import { InflateHistory } from "../../src/deflate/inflate_output.ts";
import { Random } from "../support/random.ts";
import { concat } from "./oracles.ts";

/** Returns the last `count` bytes of a history. */
function last(history: InflateHistory, count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  assert.equal(history.copy(bytes, 0, count, count), count);
  return bytes;
}

Deno.test("a history allocates nothing before the first message", () => {
  const history = new InflateHistory(12);
  assert.equal(history.length, 0);
  assert.equal(history.byteLength, 0);
  history.append(new Uint8Array(0), 0);
  assert.equal(history.byteLength, 0);
});

Deno.test("a history contains the last bytes appended, however they are split", () => {
  const random = new Random(3);
  for (let bits = 8; bits <= 15; bits++) {
    const history = new InflateHistory(bits);
    const size = 1 << bits;
    let all: Uint8Array = new Uint8Array(0);
    for (let run = 0; run < 60; run++) {
      const piece = random.bytes(random.below(1 + random.below(size + size / 2)));
      // Bytes after the given length are ignored.
      history.append(concat(piece, random.bytes(10)), piece.length);
      all = concat(all.slice(-size), piece);
      const length = Math.min(all.length, size);
      assert.equal(history.length, length);
      assert.deepEqual(last(history, length), all.slice(all.length - length));
    }
  }
});

Deno.test("a history grows with its contents, up to the window size", () => {
  const bytes = new Uint8Array(20000);
  for (
    const [windowBits, rows] of [
      [8, [[1, 256], [1000, 256]]],
      [12, [[1, 4096], [4095, 4096], [9000, 4096]]],
      [15, [[1, 4096], [4095, 4096], [1, 8192], [9000, 16384], [9000, 32768], [20000, 32768]]],
    ] as const
  ) {
    const history = new InflateHistory(windowBits);
    for (const [more, held] of rows) {
      history.append(bytes, more);
      assert.equal(history.byteLength, held);
    }
  }
});

Deno.test("copy returns the last bytes of the history", () => {
  const history = new InflateHistory();
  history.append(Uint8Array.of(1, 2, 3, 4, 5), 5);
  const target = new Uint8Array(6);
  assert.equal(history.copy(target, 1, 3, 10), 3);
  assert.deepEqual(target, Uint8Array.of(0, 3, 4, 5, 0, 0));
  assert.equal(history.copy(target, 0, 5, 2), 2);
  assert.deepEqual(target, Uint8Array.of(1, 2, 4, 5, 0, 0));
});

Deno.test("a window has 8 to 15 bits, 15 by default", () => {
  assert.equal(new InflateHistory().windowSize, 32768);
  assert.equal(new InflateHistory(8).windowSize, 256);
  for (const bits of [7, 16, 8.5, NaN]) {
    assert.throws(() => new InflateHistory(bits), {
      name: "RangeError",
      message: `windowBits is ${bits}: it must be an integer from 8 to 15`,
    });
  }
});
