import assert from "node:assert/strict";
import { huffmanLengths } from "../../src/deflate/encode_codes.ts";
import { Random } from "../support/random.ts";

function lengthsOf(frequencies: number[], longest = 15): number[] {
  const lengths = new Uint8Array(frequencies.length).fill(99);
  huffmanLengths(Int32Array.from(frequencies), frequencies.length, lengths, longest);
  return Array.from(lengths);
}

function cost(frequencies: number[], lengths: number[]): number {
  return frequencies.reduce((sum, frequency, symbol) => sum + frequency * lengths[symbol], 0);
}

/**
 * Returns the cost in bits of the optimal code whose codewords have at most `longest` bits. Uses the
 * package-merge algorithm (Larmore and Hirschberg, 1990): each selected item adds one bit to the
 * codewords of its symbols.
 */
function bestCost(frequencies: number[], longest: number): number {
  const leaves = frequencies.filter((frequency) => frequency > 0).sort((a, b) => a - b);
  let items: number[] = [];
  for (let level = 0; level < longest; level++) {
    const packages: number[] = [];
    for (let index = 0; index + 1 < items.length; index += 2) {
      packages.push(items[index] + items[index + 1]);
    }
    items = [...leaves, ...packages].sort((a, b) => a - b);
  }
  return items.slice(0, 2 * leaves.length - 2).reduce((sum, weight) => sum + weight, 0);
}

function randomFrequencies(random: Random, count: number): number[] {
  const spread = 1 + random.below(14);
  return Array.from(
    { length: count },
    () => random.below(4) === 0 ? 0 : 1 + random.below(1 << random.below(spread)),
  );
}

Deno.test("the lengths form a complete code for any frequencies", () => {
  const random = new Random(31);
  for (let run = 0; run < 2000; run++) {
    const frequencies = randomFrequencies(random, 2 + random.below(285));
    const longest = 9 + random.below(7);
    const lengths = lengthsOf(frequencies, longest);
    assert.equal(
      lengths.reduce((sum, length) => sum + (length === 0 ? 0 : 2 ** -length), 0),
      1,
    );
    assert(Math.max(...lengths) <= longest);
  }
});

Deno.test("the code is optimal when the length limit does not apply", () => {
  const random = new Random(32);
  for (let run = 0; run < 300; run++) {
    const frequencies = randomFrequencies(random, 20 + random.below(260));
    if (frequencies.filter((frequency) => frequency > 0).length < 2) continue;
    assert.equal(cost(frequencies, lengthsOf(frequencies, 20)), bestCost(frequencies, 20));
  }
});

Deno.test("the length limit costs few bits compared with the optimal code", () => {
  const random = new Random(33);
  let quickws = 0;
  let best = 0;
  for (let run = 0; run < 300; run++) {
    const frequencies = randomFrequencies(random, 200 + random.below(86));
    const lengths = lengthsOf(frequencies, 11);
    quickws += cost(frequencies, lengths);
    best += bestCost(frequencies, 11);
    assert(cost(frequencies, lengths) <= 1.03 * bestCost(frequencies, 11));
  }
  assert(quickws >= best && quickws < 1.01 * best, `${quickws} bits instead of ${best}`);
});

Deno.test("the limit shortens the deepest code, for frequencies that double", () => {
  const frequencies = Array.from({ length: 19 }, (_, symbol) => 2 ** symbol);
  assert.equal(Math.max(...lengthsOf(frequencies, 20)), 18);
  for (const longest of [5, 7, 11, 15]) {
    assert.equal(Math.max(...lengthsOf(frequencies, longest)), longest);
  }
});

Deno.test("absent symbols have no codeword, and equal frequencies get codewords of equal length", () => {
  assert.deepEqual(lengthsOf([0, 7, 0, 7, 7, 7, 0]), [0, 2, 0, 2, 2, 2, 0]);
  assert.deepEqual(lengthsOf([1, 1, 2, 4]), [3, 3, 2, 1]);
});

Deno.test("always assigns at least two codewords, so that the code is complete", () => {
  assert.deepEqual(lengthsOf([0, 0, 0]), [1, 1, 0]);
  assert.deepEqual(lengthsOf([5, 0, 0]), [1, 1, 0]);
  assert.deepEqual(lengthsOf([0, 0, 5]), [1, 0, 1]);
});

Deno.test("counts the maximum number of tokens in a block correctly", () => {
  assert.deepEqual(lengthsOf([18000, 17999, 3, 1]), [1, 2, 3, 3]);
});
