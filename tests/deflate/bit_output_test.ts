import assert from "node:assert/strict";
import { BitOutput } from "../../src/deflate/bits.ts";
import { Random } from "../support/random.ts";
import { Bits } from "./bits.ts";

/** Takes all complete bytes. */
function bytes(output: BitOutput): Uint8Array {
  return output.bytes.slice(0, output.position);
}

Deno.test("writes a sequence of numbers of any width", () => {
  const random = new Random(41);
  for (let run = 0; run < 200; run++) {
    const output = new BitOutput(200);
    const expected = new Bits();
    output.open();
    for (let count = random.below(60); count > 0; count--) {
      const width = random.below(25);
      const value = random.below(2 ** width);
      output.put(value, width);
      expected.put(value, width);
    }
    output.alignToByte();
    assert.deepEqual(bytes(output), expected.bytes());
  }
});

Deno.test("aligning pads to a whole byte, unless already at a byte boundary", () => {
  const output = new BitOutput(10);
  output.open();
  output.alignToByte();
  output.put(1, 1);
  output.alignToByte();
  output.alignToByte();
  output.put(0xff, 8);
  output.alignToByte();
  assert.deepEqual(bytes(output), Uint8Array.of(1, 0xff));
});

Deno.test("copies bytes at a byte boundary", () => {
  const output = new BitOutput(10);
  output.open();
  output.put(7, 8);
  output.copy(Uint8Array.of(1, 2, 3, 4), 1, 3);
  output.put(9, 8);
  assert.deepEqual(bytes(output), Uint8Array.of(7, 2, 3, 9));
});

Deno.test("take returns complete bytes and keeps the remaining bits", () => {
  for (const count of [0, 1, 63, 64, 500]) {
    const output = new BitOutput(1000);
    output.open();
    for (let value = 0; value < count; value++) output.put(value & 255, 8);
    output.put(5, 3);
    const target = new Uint8Array(count + 4).fill(0xee);
    assert.equal(output.take(target, 2), count + 2);
    const expected = Uint8Array.from({ length: count }, (_, value) => value & 255);
    assert.deepEqual(target, Uint8Array.of(0xee, 0xee, ...expected, 0xee, 0xee));
    output.alignToByte();
    assert.deepEqual(bytes(output), Uint8Array.of(5));
  }
});

Deno.test("opening discards output that was not taken", () => {
  const output = new BitOutput(10);
  output.open();
  output.put(0x1ff, 9);
  output.open();
  output.put(0, 8);
  assert.deepEqual(bytes(output), Uint8Array.of(0));
});
