import assert from "node:assert/strict";
import {
  DISTANCE_EXTRA_MASK,
  DISTANCE_SYMBOL,
  distanceSlot,
  LENGTH_TOKEN,
} from "../../src/deflate/match_finder.ts";
import {
  DISTANCE_BASE,
  DISTANCE_EXTRA_BITS,
  LENGTH_BASE,
  LENGTH_EXTRA_BITS,
} from "../../src/deflate/tables.ts";

Deno.test("every length has a symbol and extra bits that encode it", () => {
  for (let length = 3; length <= 258; length++) {
    const symbol = LENGTH_TOKEN[length] & 31;
    const extra = LENGTH_TOKEN[length] >>> 5;
    assert.equal(LENGTH_BASE[symbol] + extra, length);
    assert(extra < 1 << LENGTH_EXTRA_BITS[symbol]);
  }
  assert.equal(LENGTH_TOKEN[258], 28, "258 has a separate symbol");
});

Deno.test("every distance has a symbol and extra bits that encode it", () => {
  for (let distance = 1; distance <= 32768; distance++) {
    const symbol = DISTANCE_SYMBOL[distanceSlot(distance - 1)];
    const extra = (distance - 1) & DISTANCE_EXTRA_MASK[symbol];
    assert.equal(DISTANCE_BASE[symbol] + extra, distance);
    assert.equal(DISTANCE_EXTRA_MASK[symbol], (1 << DISTANCE_EXTRA_BITS[symbol]) - 1);
  }
});
