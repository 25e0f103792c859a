// From the lengths of a Huffman code's words to a table that decodes it (RFC 1951 3.2.2): the root
// is indexed by the next few bits, and longer codes go on in a subtable behind it.

import { type Alphabet, INVALID, SUBTABLE } from "./decode_entry.ts";
import { corrupt } from "./inflate_error.ts";
import { MAX_CODE_BITS } from "./tables.ts";

const countOfLength = new Uint16Array(MAX_CODE_BITS + 1);
const nextOfLength = new Uint16Array(MAX_CODE_BITS + 1);

/** Room for the words of the largest code, the fixed one of literals and lengths. */
const WORDS = 288;
const usedSymbols = new Uint16Array(WORDS);
const usedLengths = new Uint8Array(WORDS);
const sortedSymbols = new Uint16Array(WORDS);

/** A decoding table, built again for each block that brings its own code. */
export class DecodeTable {
  /** The root of `1 << rootBits` slots, then the subtables. */
  readonly entries: Int32Array;
  /** How many bits index the root in the code that was built last. */
  rootBits = 0;
  readonly #alphabet: Alphabet;
  readonly #maxRootBits: number;

  /**
   * @param alphabet What the code is for.
   * @param maxRootBits The bits that index the root, where the code has words as long.
   * @param capacity Slots for the root and the subtables of the worst code.
   */
  constructor(alphabet: Alphabet, maxRootBits: number, capacity: number) {
    this.#alphabet = alphabet;
    this.#maxRootBits = maxRootBits;
    this.entries = new Int32Array(capacity);
  }

  /**
   * Builds the table of the code whose words have the given lengths by symbol, 0 for a symbol
   * without a word.
   *
   * @throws {InflateError} When they are not the lengths of a code.
   */
  build(lengths: Uint8Array): void {
    let count = 0;
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] === 0) continue;
      usedSymbols[count] = symbol;
      usedLengths[count++] = lengths[symbol];
    }
    this.buildUsed(usedSymbols, usedLengths, 0, count, 0);
  }

  /**
   * Builds the table of the code with the words `from` to `to`: of the symbol `symbols[...] - first`
   * each, in ascending order, and of `lengths[...]` bits.
   *
   * @throws {InflateError} When they are not the lengths of a code.
   */
  buildUsed(
    symbols: Uint16Array,
    lengths: Uint8Array,
    from: number,
    to: number,
    first: number,
  ): void {
    const count = countOfLength;
    const longest = this.#countLengths(lengths, from, to);
    const entries = this.entries;
    entries[0] = entries[1] = INVALID | 1;
    if (longest === 0) {
      this.rootBits = 1;
      return;
    }

    const sorted = sortedSymbols;
    let offset = 0;
    for (let length = 1; length <= longest; length++) {
      nextOfLength[length] = offset;
      offset += count[length];
    }
    for (let index = from; index < to; index++) {
      sorted[nextOfLength[lengths[index]]++] = symbols[index] - first;
    }

    const rootBits = Math.min(this.#maxRootBits, longest);
    const symbolEntries = this.#alphabet.entries;
    // Codes are packed "starting with the most-significant bit" (RFC 1951 3.1.1) into bytes that
    // are read from the least significant one: the table is indexed by reversed codes.
    let code = 0;
    let next = 0;
    for (let length = 1; length <= rootBits; length++) {
      // Shorter words are followed by either bit: the table repeats itself.
      if (length > 1) entries.copyWithin(1 << length - 1, 0, 1 << length - 1);
      for (let left = count[length]; left > 0; left--) {
        entries[code] = symbolEntries[sorted[next++]] + (length << 8 | length);
        code = nextReversed(code, length);
      }
    }
    this.rootBits = rootBits;
    if (longest > rootBits) this.#buildSubtables(code, next, longest);
  }

  #buildSubtables(code: number, next: number, longest: number): void {
    const count = countOfLength;
    const entries = this.entries;
    const symbolEntries = this.#alphabet.entries;
    const rootBits = this.rootBits;
    const rootMask = (1 << rootBits) - 1;
    let prefix = -1;
    let start = 0;
    let end = 1 << rootBits;
    for (let length = rootBits + 1; length <= longest; length++) {
      for (let left = count[length]; left > 0; left--) {
        if ((code & rootMask) !== prefix) {
          prefix = code & rootMask;
          start = end;
          // As many index bits as the longest code with this prefix needs: canonical order fills
          // the subtable with ever longer codes until it is full.
          let bits = length - rootBits;
          let room = (1 << bits) - left;
          for (let longer = length + 1; room > 0 && longer <= longest; longer++) {
            bits++;
            room = (room << 1) - count[longer];
          }
          end = start + (1 << bits);
          entries[prefix] = SUBTABLE | start << 16 | bits << 8 | rootBits;
        }
        const entry = symbolEntries[sortedSymbols[next++]] + (length << 8 | length);
        const step = 1 << length - rootBits;
        for (let slot = start + (code >>> rootBits); slot < end; slot += step) {
          entries[slot] = entry;
        }
        code = nextReversed(code, length);
      }
    }
  }

  /** Counts the lengths and returns the longest; refuses sets that are not a prefix code. */
  #countLengths(lengths: Uint8Array, from: number, to: number): number {
    const count = countOfLength;
    count.fill(0);
    for (let index = from; index < to; index++) count[lengths[index]]++;
    let longest = MAX_CODE_BITS;
    while (longest > 0 && count[longest] === 0) longest--;
    if (longest === 0) {
      if (this.#alphabet.mayBeEmpty) return 0;
      corrupt(`${this.#alphabet.name} code has no words`);
    }
    let free = 1;
    for (let length = 1; length <= longest; length++) {
      free = (free << 1) - count[length];
      if (free < 0) corrupt(`${this.#alphabet.name} code is over-subscribed`);
    }
    if (free > 0 && !(this.#alphabet.mayHaveOneWord && longest === 1)) {
      corrupt(`${this.#alphabet.name} code is incomplete`);
    }
    return longest;
  }
}

/** The canonical successor of a code of `length` bits, both with the first bit lowest. */
function nextReversed(code: number, length: number): number {
  let bit = 1 << length - 1;
  while ((code & bit) !== 0) bit >>= 1;
  return bit === 0 ? 0 : (code & bit - 1) | bit;
}
