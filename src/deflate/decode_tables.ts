// The format of a slot of a decoding table: 32 bits, so that a symbol costs one load.
//
//   literal               bit 31 set, the byte in bits 16-23
//   length or distance    the base in bits 16-30, the code's own bits in 8-11
//   link to a subtable    bit 13 set, its start in bits 16-30, its index bits in 8-11
//   end of block          bit 15 set
//   no such code          bit 14 set
//
// Bits 0-4 are always the number of bits to consume: the code and, for lengths and distances, its
// extra bits; for a link, the bits of the root index.

import { type BitInput, corrupt } from "./bits.ts";
import {
  CODE_LENGTH_ORDER,
  CODE_LENGTH_SYMBOLS,
  DISTANCE_BASE,
  DISTANCE_EXTRA_BITS,
  DISTANCE_SYMBOLS,
  END_OF_BLOCK,
  FIXED_DISTANCE_LENGTHS,
  FIXED_LITERAL_LENGTHS,
  LENGTH_BASE,
  LENGTH_EXTRA_BITS,
  LITERAL_SYMBOLS,
  MAX_CODE_BITS,
  REPEAT_PREVIOUS,
  REPEAT_ZERO_LONG,
} from "./tables.ts";

/** The entry is a literal byte. This is the sign bit, so `entry < 0` tests it. */
export const LITERAL: number = 1 << 31;
/** The entry ends the block. */
export const BLOCK_END: number = 1 << 15;
/** No symbol has these bits. */
export const INVALID: number = 1 << 14;
/** The code is longer than the root table's index: continue in a subtable. */
export const SUBTABLE: number = 1 << 13;
/** All entries other than literals, lengths and distances. */
export const SPECIAL: number = BLOCK_END | INVALID | SUBTABLE;

/** Bits 0-4: the number of bits to consume. */
export const CONSUMED: number = 31;

/** The purpose of a code, and which sets of lengths are legal for it. */
export interface Alphabet {
  /** The code's name in error messages. */
  readonly name: string;
  /** The entry of each symbol, without the length of its code. */
  readonly entries: Int32Array;
  /** Whether a single one-bit codeword is allowed, with the other one unused. */
  readonly mayHaveOneCodeword: boolean;
  /** Whether the code may have no codewords. */
  readonly mayBeEmpty: boolean;
}

/** Literals, lengths and the end of the block. Like zlib, accepts a block with an end only. */
export const LITERAL_ALPHABET: Alphabet = {
  name: "literal/length",
  entries: literalEntries(),
  mayHaveOneCodeword: true,
  mayBeEmpty: false,
};

/**
 * Distances. RFC 1951 3.2.7: "If only one distance code is used, it is encoded using one bit", and
 * "One distance code of zero bits means that there are no distance codes used at all".
 */
export const DISTANCE_ALPHABET: Alphabet = {
  name: "distance",
  entries: distanceEntries(),
  mayHaveOneCodeword: true,
  mayBeEmpty: true,
};

/** The codeword lengths of the other two codes, and repetitions. */
export const CODE_LENGTH_ALPHABET: Alphabet = {
  name: "code length",
  entries: codeLengthEntries(),
  mayHaveOneCodeword: false,
  mayBeEmpty: false,
};

function literalEntries(): Int32Array {
  // RFC 1951 3.2.6: symbols 286 and 287 have fixed codes but "will never actually occur".
  const entries = new Int32Array(288).fill(INVALID);
  for (let byte = 0; byte < END_OF_BLOCK; byte++) entries[byte] = LITERAL | byte << 16;
  entries[END_OF_BLOCK] = BLOCK_END;
  for (let symbol = END_OF_BLOCK + 1; symbol < LITERAL_SYMBOLS; symbol++) {
    const index = symbol - END_OF_BLOCK - 1;
    entries[symbol] = LENGTH_BASE[index] << 16 | LENGTH_EXTRA_BITS[index];
  }
  return entries;
}

function distanceEntries(): Int32Array {
  // RFC 1951 3.2.6: distance codes 30 and 31 "will never actually occur".
  const entries = new Int32Array(32).fill(INVALID);
  for (let symbol = 0; symbol < DISTANCE_SYMBOLS; symbol++) {
    entries[symbol] = DISTANCE_BASE[symbol] << 16 | DISTANCE_EXTRA_BITS[symbol];
  }
  return entries;
}

function codeLengthEntries(): Int32Array {
  const entries = new Int32Array(CODE_LENGTH_SYMBOLS);
  for (let symbol = 0; symbol < CODE_LENGTH_SYMBOLS; symbol++) entries[symbol] = symbol << 16;
  return entries;
}

// Builds a decoding table from the word lengths of a Huffman code (RFC 1951 3.2.2): the root is
// indexed by the next few bits, and longer codes continue in a subtable after it.

const countOfLength = new Uint16Array(MAX_CODE_BITS + 1);
const nextOfLength = new Uint16Array(MAX_CODE_BITS + 1);

/** Room for the words of the largest code, the fixed one of literals and lengths. */
const WORDS = 288;
const usedSymbols = new Uint16Array(WORDS);
const usedLengths = new Uint8Array(WORDS);
const sortedSymbols = new Uint16Array(WORDS);

/** A decoding table, rebuilt for each block with its own code. */
export class DecodeTable {
  /** The root of `1 << rootBits` slots, then the subtables. */
  readonly entries: Int32Array;
  /** The number of bits that index the root of the current code. */
  rootBits = 0;
  readonly #alphabet: Alphabet;
  readonly #maxRootBits: number;

  /**
   * @param alphabet The purpose of the code.
   * @param maxRootBits The maximum number of bits that index the root.
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
      // Any bits may follow a shorter word, so the table repeats itself.
      if (length > 1) entries.copyWithin(1 << length - 1, 0, 1 << length - 1);
      for (let left = count[length]; left > 0; left--) {
        entries[code] = symbolEntries[sorted[next++]] + (length << 8 | length);
        code = nextReversed(code, length);
      }
    }
    this.rootBits = rootBits;
    if (longest > rootBits) this.#buildSubtables(code, next, longest);
  }

  /** A copy that does not change when this table is rebuilt. */
  clone(): DecodeTable {
    const copy = new DecodeTable(this.#alphabet, this.#maxRootBits, this.entries.length);
    copy.entries.set(this.entries);
    copy.rootBits = this.rootBits;
    return copy;
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
          // The index bits needed by the longest code with this prefix: canonical order fills the
          // subtable with increasingly long codes.
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

  /** Counts the lengths and returns the longest; rejects sets that do not form a prefix code. */
  #countLengths(lengths: Uint8Array, from: number, to: number): number {
    const count = countOfLength;
    count.fill(0);
    for (let index = from; index < to; index++) count[lengths[index]]++;
    let longest = MAX_CODE_BITS;
    while (longest > 0 && count[longest] === 0) longest--;
    if (longest === 0) {
      if (this.#alphabet.mayBeEmpty) return 0;
      corrupt(`${this.#alphabet.name} code has no codewords`);
    }
    let free = 1;
    for (let length = 1; length <= longest; length++) {
      free = (free << 1) - count[length];
      if (free < 0) corrupt(`${this.#alphabet.name} code is over-subscribed`);
    }
    if (free > 0 && !(this.#alphabet.mayHaveOneCodeword && longest === 1)) {
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

// The decoding tables of the fixed codes (RFC 1951 3.2.6).

/** Decodes literals and lengths. Words have at most 9 bits, so there is only a root. */
export const fixedLiterals: DecodeTable = new DecodeTable(LITERAL_ALPHABET, 9, 512);
fixedLiterals.build(FIXED_LITERAL_LENGTHS);

/** Decodes distances; all words have 5 bits. */
export const fixedDistances: DecodeTable = new DecodeTable(DISTANCE_ALPHABET, 5, 32);
fixedDistances.build(FIXED_DISTANCE_LENGTHS);

// The description of a block's own codes: two sets of code lengths, themselves run-length and
// Huffman coded (RFC 1951 3.2.7).

/**
 * Decodes literals and lengths of the current dynamic block. With a 10-bit root index, no code of
 * 286 words needs more than 1332 slots.
 */
export const dynamicLiterals: DecodeTable = new DecodeTable(LITERAL_ALPHABET, 10, 1536);

/**
 * The same for distances: with a 7-bit root index, no code of 30 words needs more than 400 slots.
 */
export const dynamicDistances: DecodeTable = new DecodeTable(DISTANCE_ALPHABET, 7, 512);

/** RFC 1951 3.2.7: words of the code length code have at most 7 bits, so there is only a root. */
const codeLengths = new DecodeTable(CODE_LENGTH_ALPHABET, 7, 128);

/** The words of both codes in one sequence: symbols in ascending order, and lengths. */
const describedSymbols = new Uint16Array(LITERAL_SYMBOLS + DISTANCE_SYMBOLS);
const describedLengths = new Uint8Array(LITERAL_SYMBOLS + DISTANCE_SYMBOLS);

const lengthsOfLengths = new Uint8Array(CODE_LENGTH_SYMBOLS);

/**
 * Reads the code description after the block type into the two tables.
 *
 * @throws {InflateError} When the description is invalid.
 */
export function readDynamicCodes(input: BitInput): void {
  const literalCount = input.take(5) + 257; // HLIT
  const distanceCount = input.take(5) + 1; // HDIST
  const codeLengthCount = input.take(4) + 4; // HCLEN
  if (literalCount > LITERAL_SYMBOLS || distanceCount > DISTANCE_SYMBOLS) {
    corrupt("a block has too many symbols");
  }
  lengthsOfLengths.fill(0);
  for (let index = 0; index < codeLengthCount; index++) {
    lengthsOfLengths[CODE_LENGTH_ORDER[index]] = input.take(3);
  }
  codeLengths.build(lengthsOfLengths);
  const count = readLengths(input, literalCount + distanceCount);
  input.checkNotPastEnd();
  let literals = count;
  while (literals > 0 && describedSymbols[literals - 1] >= literalCount) literals--;
  let end = literals;
  while (end > 0 && describedSymbols[end - 1] > END_OF_BLOCK) end--;
  if (end === 0 || describedSymbols[end - 1] !== END_OF_BLOCK) {
    corrupt("a block's code has no end of block");
  }
  dynamicLiterals.buildUsed(describedSymbols, describedLengths, 0, literals, 0);
  dynamicDistances.buildUsed(describedSymbols, describedLengths, literals, count, literalCount);
}

/**
 * Reads the lengths of the `total` words of both codes and returns how many are not 0. RFC 1951
 * 3.2.7: "all code lengths form a single sequence", so a run may cross from one code to the other.
 */
function readLengths(input: BitInput, total: number): number {
  const entries = codeLengths.entries;
  const mask = (1 << codeLengths.rootBits) - 1;
  const { bytes, end: inputEnd } = input;
  let { position, hold, bits } = input;
  let count = 0;
  let previous = -1;
  for (let index = 0; index < total;) {
    // A word of up to 7 bits, followed by up to 7 extra bits.
    while (bits < 14) {
      if (position < inputEnd) hold |= bytes[position] << bits;
      position++;
      bits += 8;
    }
    const entry = entries[hold & mask];
    hold >>>= entry & CONSUMED;
    bits -= entry & CONSUMED;
    const symbol = entry >>> 16;
    if (symbol < REPEAT_PREVIOUS) {
      if (symbol !== 0) {
        describedSymbols[count] = index;
        describedLengths[count++] = symbol;
      }
      previous = symbol;
      index++;
      continue;
    }
    let run = 3;
    let extra = 3;
    if (symbol === REPEAT_PREVIOUS) {
      if (previous < 0) corrupt("there is no code length to repeat");
      extra = 2;
    } else {
      previous = 0;
      if (symbol === REPEAT_ZERO_LONG) {
        run = 11;
        extra = 7;
      }
    }
    run += hold & (1 << extra) - 1;
    hold >>>= extra;
    bits -= extra;
    const end = index + run;
    if (end > total) corrupt("a repeated code length exceeds the last symbol");
    if (previous !== 0) {
      for (; index < end; index++) {
        describedSymbols[count] = index;
        describedLengths[count++] = previous;
      }
    }
    index = end;
  }
  input.position = position;
  input.hold = hold;
  input.bits = bits;
  return count;
}
