/*
 * From the lengths of a Huffman code's words to a table that decodes it (RFC 1951 3.2.2): the root
 * is indexed by the next few bits, and longer codes go on in a subtable behind it.
 */

import { corrupt } from "./inflate_error.ts";
import { INVALID, SUBTABLE } from "./decode_entry.ts";
import { MAX_CODE_BITS } from "./tables.ts";

const countOfLength = new Uint16Array(MAX_CODE_BITS + 1);
const nextOfLength = new Uint16Array(MAX_CODE_BITS + 1);
const sortedSymbols = new Uint16Array(320);

/** A decoding table, built again for each block that brings its own code. */
export class DecodeTable {
  /** The root of `1 << rootBits` slots, then the subtables. */
  readonly entries: Int32Array;
  /** How many bits index the root in the code that was built last. */
  rootBits = 0;
  readonly #symbolEntries: Int32Array;
  readonly #name: string;
  readonly #mayBeIncomplete: boolean;
  readonly #mayBeEmpty: boolean;

  /**
   * @param name What the code is for, in error messages.
   * @param symbolEntries The entry of each symbol, without the bits of its code.
   * @param capacity Slots for the root and the subtables of the worst code.
   * @param mayBeIncomplete Accept a code of a single word of one bit.
   * @param mayBeEmpty Accept a code without any word.
   */
  constructor(
    name: string,
    symbolEntries: Int32Array,
    capacity: number,
    mayBeIncomplete: boolean,
    mayBeEmpty: boolean,
  ) {
    this.entries = new Int32Array(capacity);
    this.#symbolEntries = symbolEntries;
    this.#name = name;
    this.#mayBeIncomplete = mayBeIncomplete;
    this.#mayBeEmpty = mayBeEmpty;
  }

  /**
   * Builds the table of the code whose words have the lengths `lengths[from..to)`, with a root of
   * at most `maxRootBits` bits.
   */
  build(lengths: Uint8Array, from: number, to: number, maxRootBits: number): void {
    const count = countOfLength;
    const longest = this.#check(lengths, from, to);
    const entries = this.entries;
    entries[0] = entries[1] = INVALID | 1;
    if (longest === 0) {
      this.rootBits = 1;
      return;
    }

    const symbols = sortedSymbols;
    let offset = 0;
    for (let length = 1; length <= longest; length++) {
      nextOfLength[length] = offset;
      offset += count[length];
    }
    for (let index = from; index < to; index++) {
      const length = lengths[index];
      if (length !== 0) symbols[nextOfLength[length]++] = index - from;
    }

    const rootBits = maxRootBits < longest ? maxRootBits : longest;
    const symbolEntries = this.#symbolEntries;
    // Codes are packed "starting with the most-significant bit" (RFC 1951 3.1.1) into bytes that
    // are read from the least significant one: the table is indexed by reversed codes.
    let code = 0;
    let next = 0;
    let size = 2;
    let length = 1;
    for (; length <= rootBits; length++) {
      if (length > 1) {
        entries.copyWithin(size, 0, size);
        size <<= 1;
      }
      for (let left = count[length]; left > 0; left--) {
        entries[code] = symbolEntries[symbols[next++]] + (length << 8 | length);
        code = nextReversed(code, length);
      }
    }
    this.rootBits = rootBits;
    if (longest > rootBits) this.#buildSubtables(code, next, longest);
  }

  #buildSubtables(code: number, next: number, longest: number): void {
    const count = countOfLength;
    const entries = this.entries;
    const symbolEntries = this.#symbolEntries;
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
  #check(lengths: Uint8Array, from: number, to: number): number {
    const count = countOfLength;
    count.fill(0);
    for (let index = from; index < to; index++) count[lengths[index]]++;
    let longest = MAX_CODE_BITS;
    while (longest > 0 && count[longest] === 0) longest--;
    if (longest === 0) {
      // RFC 1951 3.2.7: "One distance code of zero bits means that there are no distance codes
      // used at all (the data is all literals)."
      if (this.#mayBeEmpty) return 0;
      return corrupt(`${this.#name} code has no words`);
    }
    let free = 1;
    for (let length = 1; length <= longest; length++) {
      free = (free << 1) - count[length];
      if (free < 0) return corrupt(`${this.#name} code is over-subscribed`);
    }
    // RFC 1951 3.2.7: "If only one distance code is used, it is encoded using one bit, not zero
    // bits; in this case there is a single code length of one, with one unused code."
    if (free > 0 && !(this.#mayBeIncomplete && longest === 1)) {
      return corrupt(`${this.#name} code is incomplete`);
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
