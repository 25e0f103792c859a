// From how often symbols occur to the lengths of their words: Huffman's algorithm in place on the
// sorted frequencies (Moffat and Katajainen, 1995), then bent to a longest length.

/** Room for the literal/length alphabet, the largest. */
const SYMBOLS = 288;
/** Bits for a symbol's number. */
const SYMBOL_BITS = 9;
const SYMBOL_MASK = (1 << SYMBOL_BITS) - 1;

/** Used symbols, in ascending order of frequency: the frequency above the symbol. */
let order = new Int32Array(SYMBOLS);
/** Where a pass of the sort puts them. */
let sorted = new Int32Array(SYMBOLS);
/** The sort looks at so many bits of the frequency at a time. */
const DIGIT_BITS = 6;
const DIGITS = 1 << DIGIT_BITS;
const digitCount = new Uint16Array(DIGITS);
/** The algorithm's one array: weights, then parents, then depths. */
const work = new Int32Array(SYMBOLS);
const countOfLength = new Uint16Array(32);

/**
 * Gives each of the first `count` symbols the length of its word in bits, 0 where its frequency is
 * 0, and none over `longest`. There are always two words at least, so that the code is complete:
 * decoders differ in what else they accept. Frequencies are below 2 ** 22.
 */
export function huffmanLengths(
  frequencies: Int32Array,
  count: number,
  lengths: Uint8Array,
  longest: number,
): void {
  let used = 0;
  let highest = 0;
  for (let symbol = 0; symbol < count; symbol++) {
    lengths[symbol] = 0;
    const frequency = frequencies[symbol];
    if (frequency === 0) continue;
    order[used++] = frequency << SYMBOL_BITS | symbol;
    if (frequency > highest) highest = frequency;
  }
  if (used < 2) {
    const only = used === 0 ? 0 : order[0] & SYMBOL_MASK;
    lengths[only] = 1;
    lengths[only === 0 ? 1 : 0] = 1;
    return;
  }
  sort(used, highest);
  minimumRedundancyDepths(used);
  limitDepths(used, longest);
  let next = 0;
  for (let length = longest; length > 0; length--) {
    for (let left = countOfLength[length]; left > 0; left--) {
      lengths[order[next++] & SYMBOL_MASK] = length;
    }
  }
}

/**
 * Sorts `order[0..used)` by frequency, digit by digit from the lowest: without comparisons there is
 * nothing for the processor to guess wrong.
 */
function sort(used: number, highest: number): void {
  for (let shift = SYMBOL_BITS; highest > 0; shift += DIGIT_BITS, highest >>>= DIGIT_BITS) {
    digitCount.fill(0);
    for (let index = 0; index < used; index++) {
      digitCount[order[index] >>> shift & DIGITS - 1]++;
    }
    let start = 0;
    for (let digit = 0; digit < DIGITS; digit++) {
      const count = digitCount[digit];
      digitCount[digit] = start;
      start += count;
    }
    for (let index = 0; index < used; index++) {
      const item = order[index];
      sorted[digitCount[item >>> shift & DIGITS - 1]++] = item;
    }
    const unsorted = order;
    order = sorted;
    sorted = unsorted;
  }
}

/** Leaves the depth of each leaf in `work`, in the order of `order`: the rarest is the deepest. */
function minimumRedundancyDepths(used: number): void {
  for (let index = 0; index < used; index++) work[index] = order[index] >>> SYMBOL_BITS;

  // Merge the two lightest of the leaves and the inner nodes, again and again; a merged node keeps
  // the index of its parent.
  work[0] += work[1];
  let inner = 0;
  let leaf = 2;
  for (let node = 1; node < used - 1; node++) {
    if (leaf >= used || work[inner] < work[leaf]) {
      work[node] = work[inner];
      work[inner++] = node;
    } else {
      work[node] = work[leaf++];
    }
    if (leaf >= used || (inner < node && work[inner] < work[leaf])) {
      work[node] += work[inner];
      work[inner++] = node;
    } else {
      work[node] += work[leaf++];
    }
  }

  // From parents to depths of the inner nodes, from the root down.
  work[used - 2] = 0;
  for (let node = used - 3; node >= 0; node--) work[node] = work[work[node]] + 1;

  // Each level has twice as many nodes as the one above has inner ones; what is not inner is leaf.
  let available = 1;
  let depth = 0;
  let root = used - 2;
  let next = used - 1;
  while (available > 0) {
    let innerHere = 0;
    while (root >= 0 && work[root] === depth) {
      innerHere++;
      root--;
    }
    while (available > innerHere) {
      work[next--] = depth;
      available--;
    }
    available = 2 * innerHere;
    depth++;
  }
}

/** Counts the words of each length so that none is over `longest` and the code is complete. */
function limitDepths(used: number, longest: number): void {
  const count = countOfLength;
  count.fill(0);
  for (let index = 0; index < used; index++) {
    const depth = work[index];
    count[depth < longest ? depth : longest]++;
  }
  // In units of the longest word there is room for 2 ** longest of them (Kraft).
  let taken = 0;
  for (let length = 1; length <= longest; length++) taken += count[length] << longest - length;
  for (; taken > 1 << longest; taken--) {
    // One more leaf finds a place at the bottom when a shorter word is made the parent of both.
    count[longest]--;
    let length = longest - 1;
    while (count[length] === 0) length--;
    count[length]--;
    count[length + 1] += 2;
  }
}
