import assert from "node:assert/strict";
import { DeflateContext } from "../../src/deflate/deflate.ts";
import { Random } from "../support/random.ts";
import { concat } from "./oracles.ts";

/** Adds a message to the history, as the encoder does. */
function addToHistory(context: DeflateContext, bytes: Uint8Array): void {
  const text = concat(context.history.subarray(0, context.length), bytes, Uint8Array.of(1, 2, 3));
  context.begin();
  context.remember(text, text.length - 3, bytes.length);
}

Deno.test("a context allocates nothing before the first message, then 8 KiB by default", () => {
  const context = new DeflateContext();
  assert.equal(context.byteLength, 0);
  context.begin();
  assert.equal(context.byteLength, 8192);
  addToHistory(context, new Uint8Array(1 << 16));
  assert.equal(context.byteLength, 8192);
});

Deno.test("keeps as many bytes as the options allow", () => {
  const random = new Random(121);
  for (let bits = 8; bits <= 15; bits++) {
    const context = new DeflateContext({ historyBits: bits, tableBits: 8 });
    let all: Uint8Array = new Uint8Array(0);
    for (let run = 0; run < 30; run++) {
      const bytes = random.bytes(random.below(1 << bits - random.below(4)));
      addToHistory(context, bytes);
      all = concat(all, bytes);
      const length = Math.min(all.length, 1 << bits);
      assert.equal(context.length, length);
      assert.deepEqual(context.history.slice(0, length), all.slice(all.length - length));
    }
    assert.equal(context.byteLength, (1 << bits) + 512);
  }
});

Deno.test("positions continue across messages", () => {
  const context = new DeflateContext({ historyBits: 8 });
  for (let run = 0; run < 400; run++) {
    const table = context.begin();
    // The position of the next message's first byte, modulo 65536.
    assert.equal(table.base + context.length & 0xffff, run * 333 & 0xffff);
    addToHistory(context, new Uint8Array(333));
  }
});

Deno.test("dropping the context clears the history", () => {
  const context = new DeflateContext();
  addToHistory(context, new Uint8Array(1000));
  context.begin().slots[5] = 7;
  context.drop();
  assert.equal(context.byteLength, 0);
  assert.equal(context.length, 0);
  assert.equal(context.begin().slots[5], 0);
  assert.equal(context.begin().base, 0);
});

Deno.test("rejects options that are not integers from 8 to 15", () => {
  for (const name of ["historyBits", "tableBits"]) {
    for (const bits of [7, 16, 8.5, NaN]) {
      assert.throws(() => new DeflateContext({ [name]: bits }), {
        name: "RangeError",
        message: `${name} is ${bits}: it must be an integer from 8 to 15`,
      });
    }
  }
});
