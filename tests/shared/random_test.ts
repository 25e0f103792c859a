import assert from "node:assert/strict";
import { randomMask, randomNonce } from "../../src/shared/random.ts";

/** Counts the calls that `work` makes to the runtime's random number generator. */
function randomCallsOf(work: () => void): number {
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
  // In one of 340 runs, two of 5000 random keys are equal. Ten equal pairs are practically
  // impossible.
  assert.ok(new Set(keys).size > 4990);
  for (let bit = 0; bit < 32; bit++) {
    const set = keys.filter((key) => (key >>> bit & 1) === 1).length;
    assert.ok(set > 2000 && set < 3000, `bit ${bit} is set in ${set} of 5000 keys`);
  }
});

Deno.test("mask keys use few calls to the runtime's cryptographic random number generator", () => {
  const draws = randomCallsOf(() => {
    for (let i = 0; i < 10_240; i++) randomMask();
  });
  assert.ok(draws >= 1 && draws <= 100, `${draws} draws`);
});

Deno.test("a nonce is 16 new bytes from the runtime's cryptographic random number generator", () => {
  const nonces: Uint8Array[] = [];
  const draws = randomCallsOf(() => {
    for (let i = 0; i < 100; i++) nonces.push(randomNonce());
  });
  assert.equal(draws, 100);
  assert.ok(nonces.every((nonce) => nonce.length === 16));
  assert.equal(new Set(nonces.map(String)).size, 100);
});
