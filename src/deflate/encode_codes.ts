// Builds the words of a code from their lengths (RFC 1951 3.2.2), packed for output: the word from
// bit 4 up, first bit lowest, and its length in bits 0-3.

import type { BitOutput } from "./bits.ts";
import type { TokenBlock } from "./match_finder.ts";
import {
  CODE_LENGTH_ORDER,
  CODE_LENGTH_SYMBOLS,
  DISTANCE_SYMBOLS,
  END_OF_BLOCK,
  FIXED_DISTANCE_LENGTHS,
  FIXED_LITERAL_LENGTHS,
  LITERAL_SYMBOLS,
  MAX_CODE_BITS,
  REPEAT_PREVIOUS,
  REPEAT_ZERO_LONG,
  REPEAT_ZERO_SHORT,
} from "./tables.ts";

const countOfLength = new Uint16Array(MAX_CODE_BITS + 1);
const nextOfLength = new Uint16Array(MAX_CODE_BITS + 1);

/** The index size of the table that reverses words, and so the maximum word length. */
const REVERSED_BITS = 11;
const REVERSED = reversedBits();

/** The words of the fixed literal/length code (RFC 1951 3.2.6). */
export const FIXED_LITERAL_WORDS: Int32Array = new Int32Array(FIXED_LITERAL_LENGTHS.length);
assignWords(FIXED_LITERAL_LENGTHS, FIXED_LITERAL_LENGTHS.length, FIXED_LITERAL_WORDS);

/** The words of the fixed distance code (RFC 1951 3.2.6). */
export const FIXED_DISTANCE_WORDS: Int32Array = new Int32Array(FIXED_DISTANCE_LENGTHS.length);
assignWords(FIXED_DISTANCE_LENGTHS, FIXED_DISTANCE_LENGTHS.length, FIXED_DISTANCE_WORDS);

/**
 * Assigns each of the first `count` symbols the word of its length, at most 11 bits; 0 for a symbol
 * without one.
 */
export function assignWords(lengths: Uint8Array, count: number, words: Int32Array): void {
  countOfLength.fill(0);
  for (let symbol = 0; symbol < count; symbol++) countOfLength[lengths[symbol]]++;
  let code = 0;
  for (let length = 1; length <= REVERSED_BITS; length++) {
    nextOfLength[length] = code;
    code = code + countOfLength[length] << 1;
  }
  for (let symbol = 0; symbol < count; symbol++) {
    const length = lengths[symbol];
    words[symbol] = length === 0
      ? 0
      : REVERSED[nextOfLength[length]++] >>> REVERSED_BITS - length << 4 | length;
  }
}

function reversedBits(): Uint16Array {
  const reversed = new Uint16Array(1 << REVERSED_BITS);
  for (let value = 1; value < reversed.length; value++) {
    reversed[value] = reversed[value >>> 1] >>> 1 | (value & 1) << REVERSED_BITS - 1;
  }
  return reversed;
}

// Computes word lengths from symbol frequencies: Huffman's algorithm in place on the sorted
// frequencies (Moffat and Katajainen, 1995), then limited to a maximum length.

/** Room for the literal/length alphabet, the largest. */
const SYMBOLS = 288;
/** Bits for a symbol's number. */
const SYMBOL_BITS = 9;
const SYMBOL_MASK = (1 << SYMBOL_BITS) - 1;

/** Used symbols in ascending order of frequency; the frequency is stored above the symbol. */
let order = new Int32Array(SYMBOLS);
/** The output of a sorting pass. */
let sorted = new Int32Array(SYMBOLS);
/** Bits of the frequency per sorting pass. */
const DIGIT_BITS = 6;
const DIGITS = 1 << DIGIT_BITS;
const digitCount = new Uint16Array(DIGITS);
/** The working array: weights, then parents, then depths. */
const work = new Int32Array(SYMBOLS);
const wordsOfLength = new Uint16Array(32);

/**
 * Assigns word lengths to the first `count` symbols: 0 for a frequency of 0, at most `longest`.
 * There are always at least two words, because some decoders reject incomplete codes. Frequencies
 * are below 2 ** 22.
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
    for (let left = wordsOfLength[length]; left > 0; left--) {
      lengths[order[next++] & SYMBOL_MASK] = length;
    }
  }
}

/**
 * Sorts `order[0..used)` by frequency, as a radix sort: no comparisons, so no mispredicted
 * branches.
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

/** Leaves the depth of each leaf in `work`, in the order of `order`: rarest and deepest first. */
function minimumRedundancyDepths(used: number): void {
  for (let index = 0; index < used; index++) work[index] = order[index] >>> SYMBOL_BITS;

  // Repeatedly merge the two lightest leaves or inner nodes; a merged node keeps the index of its
  // parent.
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

  // Converts parents to depths of the inner nodes, from the root down.
  work[used - 2] = 0;
  for (let node = used - 3; node >= 0; node--) work[node] = work[work[node]] + 1;

  // Each level has twice as many nodes as the level above has inner nodes; the rest are leaves.
  let available = 1;
  let depth = 0;
  let root = used - 2;
  let next = used - 1;
  while (available > 0) {
    let innerNodes = 0;
    while (root >= 0 && work[root] === depth) {
      innerNodes++;
      root--;
    }
    while (available > innerNodes) {
      work[next--] = depth;
      available--;
    }
    available = 2 * innerNodes;
    depth++;
  }
}

/** Counts the words of each length so that none is over `longest` and the code is complete. */
function limitDepths(used: number, longest: number): void {
  const count = wordsOfLength;
  count.fill(0);
  for (let index = 0; index < used; index++) {
    const depth = work[index];
    count[depth < longest ? depth : longest]++;
  }
  // Kraft's inequality, in units of the longest word: the sum must not exceed 2 ** longest.
  let taken = 0;
  for (let length = 1; length <= longest; length++) taken += count[length] << longest - length;
  for (; taken > 1 << longest; taken--) {
    // Make a shorter word the parent of itself and one of the longest words.
    count[longest]--;
    let length = longest - 1;
    while (count[length] === 0) length--;
    count[length]--;
    count[length + 1] += 2;
  }
}

// The dynamic codes of a block, and their description (RFC 1951 3.2.7).

/**
 * The longest word of literals, lengths and distances. The format allows 15 bits. With 11, a
 * distance word, its 13 extra bits and 7 pending bits fit into 32, and longer words would save less
 * than they cost.
 */
const LONGEST_WORD = 11;

/** RFC 1951 3.2.7: the lengths of the code length code are sent in 3 bits each. */
const LONGEST_LENGTH_WORD = 7;

/** RFC 1951 3.2.7: the extra bits of the symbols 16, 17 and 18. */
const REPEAT_EXTRA_BITS = Uint8Array.of(2, 3, 7);

/** The two codes of a block. */
export class DynamicCodes {
  /** The words of the literal/length code, see {@linkcode FIXED_LITERAL_WORDS}. */
  readonly literalWords: Int32Array = new Int32Array(LITERAL_SYMBOLS);
  /** The words of the distance code. */
  readonly distanceWords: Int32Array = new Int32Array(DISTANCE_SYMBOLS);
  /** The lengths of the literal/length code's words. */
  readonly literalLengths: Uint8Array = new Uint8Array(LITERAL_SYMBOLS);
  /** The lengths of the distance code's words. */
  readonly distanceLengths: Uint8Array = new Uint8Array(DISTANCE_SYMBOLS);
  /** The size of the description in bits, without the block type. */
  headerBits = 0;

  /** HLIT + 257, HDIST + 1 and HCLEN + 4: the number of lengths sent for each code. */
  #literalCount = 0;
  #distanceCount = 0;
  #lengthCount = 0;

  /** The lengths of both codes in runs: a code length symbol, with its extra bits from bit 5 up. */
  readonly #runs = new Uint16Array(LITERAL_SYMBOLS + DISTANCE_SYMBOLS);
  #runCount = 0;
  readonly #runFrequencies = new Int32Array(CODE_LENGTH_SYMBOLS);
  readonly #runLengths = new Uint8Array(CODE_LENGTH_SYMBOLS);
  readonly #runWords = new Int32Array(CODE_LENGTH_SYMBOLS);

  /** Finds the best lengths for a block, and their cost in bits. */
  measure(block: TokenBlock): void {
    huffmanLengths(block.literals, LITERAL_SYMBOLS, this.literalLengths, LONGEST_WORD);
    huffmanLengths(block.distances, DISTANCE_SYMBOLS, this.distanceLengths, LONGEST_WORD);
    this.#literalCount = usedCount(this.literalLengths, LITERAL_SYMBOLS, END_OF_BLOCK + 1);
    this.#distanceCount = usedCount(this.distanceLengths, DISTANCE_SYMBOLS, 1);

    this.#findRuns();
    const frequencies = this.#runFrequencies;
    const lengths = this.#runLengths;
    huffmanLengths(frequencies, CODE_LENGTH_SYMBOLS, lengths, LONGEST_LENGTH_WORD);
    let count = CODE_LENGTH_SYMBOLS;
    while (count > 4 && lengths[CODE_LENGTH_ORDER[count - 1]] === 0) count--;
    this.#lengthCount = count;

    // HLIT, HDIST and HCLEN, then the lengths of the code length code, then the runs.
    let bits = 5 + 5 + 4 + 3 * count;
    for (let symbol = 0; symbol < CODE_LENGTH_SYMBOLS; symbol++) {
      bits += frequencies[symbol] * (lengths[symbol] + repeatExtraBits(symbol));
    }
    this.headerBits = bits;
  }

  /** Writes the description and builds the words for those lengths. */
  write(output: BitOutput): void {
    assignWords(this.literalLengths, LITERAL_SYMBOLS, this.literalWords);
    assignWords(this.distanceLengths, DISTANCE_SYMBOLS, this.distanceWords);
    assignWords(this.#runLengths, CODE_LENGTH_SYMBOLS, this.#runWords);
    output.put(this.#literalCount - 257, 5);
    output.put(this.#distanceCount - 1, 5);
    output.put(this.#lengthCount - 4, 4);
    for (let index = 0; index < this.#lengthCount; index++) {
      output.put(this.#runLengths[CODE_LENGTH_ORDER[index]], 3);
    }
    for (let index = 0; index < this.#runCount; index++) {
      const run = this.#runs[index];
      const symbol = run & 31;
      const word = this.#runWords[symbol];
      const bits = word & 15;
      output.put(word >>> 4 | run >>> 5 << bits, bits + repeatExtraBits(symbol));
    }
  }

  /**
   * RFC 1951 3.2.7: the lengths of both codes are one sequence, so a run may cross from one to the
   * other.
   */
  #findRuns(): void {
    this.#runFrequencies.fill(0);
    this.#runCount = 0;
    const literals = this.#literalCount;
    const total = literals + this.#distanceCount;
    let run = 0;
    let previous = this.literalLengths[0];
    for (let index = 0; index < total; index++) {
      const length = index < literals
        ? this.literalLengths[index]
        : this.distanceLengths[index - literals];
      if (length === previous) {
        run++;
        continue;
      }
      this.#addRun(previous, run);
      previous = length;
      run = 1;
    }
    this.#addRun(previous, run);
  }

  #addRun(length: number, run: number): void {
    if (length === 0) {
      while (run >= 11) {
        const part = run < 138 ? run : 138;
        this.#add(REPEAT_ZERO_LONG, part - 11);
        run -= part;
      }
      if (run >= 3) {
        this.#add(REPEAT_ZERO_SHORT, run - 3);
        run = 0;
      }
    } else {
      this.#add(length, 0);
      run--;
      while (run >= 3) {
        const part = run < 6 ? run : 6;
        this.#add(REPEAT_PREVIOUS, part - 3);
        run -= part;
      }
    }
    for (; run > 0; run--) this.#add(length, 0);
  }

  #add(symbol: number, extra: number): void {
    this.#runs[this.#runCount++] = symbol | extra << 5;
    this.#runFrequencies[symbol]++;
  }
}

function repeatExtraBits(symbol: number): number {
  return symbol < REPEAT_PREVIOUS ? 0 : REPEAT_EXTRA_BITS[symbol - REPEAT_PREVIOUS];
}

/** The number of lengths to send: up to the last nonzero one, at least `least`. */
function usedCount(lengths: Uint8Array, count: number, least: number): number {
  while (count > least && lengths[count - 1] === 0) count--;
  return count;
}
