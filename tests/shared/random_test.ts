import assert from "node:assert/strict";
import { randomMask, randomNonce } from "../../src/shared/random.ts";

/** Counts the draws that `work` makes from the runtime's source of randomness. */
function drawsOf(work: () => void): number {
  let draws = 0;
  const original = crypto.getRandomValues;
  crypto.getRandomValues = (<T extends ArrayBufferView | null>(array: T): T => {
    draws++;
    return original.call(crypto, array as ArrayBufferView<ArrayBuffer>) as T;
  }) as typeof original;
  try {
    work();
  } finally {
    crypto.getRandomValues = original;
  }
  return draws;
}

Deno.test("mask keys are 32-bit integers that do not repeat and use every bit", () => {
  const keys = Array.from({ length: 5000 }, randomMask);
  assert.ok(keys.every((key) => key === (key | 0)));
  // Two of 5000 random keys are equal in one of 340 runs. Three equal pairs are practically impossible.
  assert.ok(new Set(keys).size > 4990);
  for (let bit = 0; bit < 32; bit++) {
    const set = keys.filter((key) => (key >>> bit & 1) === 1).length;
    assert.ok(set > 2000 && set < 3000, `bit ${bit} is set in ${set} of 5000 keys`);
  }
});

Deno.test("mask keys come from few large draws of the runtime's strong randomness", () => {
  const draws = drawsOf(() => {
    for (let i = 0; i < 10_240; i++) randomMask();
  });
  assert.ok(draws >= 1 && draws <= 100, `${draws} draws`);
});

Deno.test("a nonce is 16 fresh bytes from the runtime's strong randomness", () => {
  const nonces: Uint8Array[] = [];
  const draws = drawsOf(() => {
    for (let i = 0; i < 100; i++) nonces.push(randomNonce());
  });
  assert.equal(draws, 100);
  assert.ok(nonces.every((nonce) => nonce.length === 16));
  assert.equal(new Set(nonces.map(String)).size, 100);
});
