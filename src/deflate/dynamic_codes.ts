// Codes made for one block, and their description in front of it (RFC 1951 3.2.7).

import type { BitOutput } from "./bit_output.ts";
import { assignWords } from "./huffman_encode.ts";
import { huffmanLengths } from "./huffman_lengths.ts";
import {
  CODE_LENGTH_ORDER,
  CODE_LENGTH_SYMBOLS,
  DISTANCE_SYMBOLS,
  END_OF_BLOCK,
  LITERAL_SYMBOLS,
  REPEAT_PREVIOUS,
  REPEAT_ZERO_LONG,
  REPEAT_ZERO_SHORT,
} from "./tables.ts";
import type { TokenBlock } from "./token_block.ts";

/**
 * The longest word of literals, lengths and distances. The format allows 15 bits; with 11 the word
 * of a distance, its 13 extra bits and the 7 bits that wait in front of it fit into 32, and what
 * longer words would save is not worth the writing.
 */
const LONGEST_WORD = 11;

/** RFC 1951 3.2.7: the lengths of the code length code are sent in 3 bits each. */
const LONGEST_LENGTH_WORD = 7;

/** RFC 1951 3.2.7: the extra bits of the symbols 16, 17 and 18. */
const REPEAT_EXTRA_BITS = Uint8Array.of(2, 3, 7);

/** The two codes of a block. */
export class DynamicCodes {
  /** The words of the literal/length code, see `huffman_encode.ts`. */
  readonly literalWords: Int32Array = new Int32Array(LITERAL_SYMBOLS);
  /** The words of the distance code. */
  readonly distanceWords: Int32Array = new Int32Array(DISTANCE_SYMBOLS);
  /** The lengths of the literal/length code's words. */
  readonly literalLengths: Uint8Array = new Uint8Array(LITERAL_SYMBOLS);
  /** The lengths of the distance code's words. */
  readonly distanceLengths: Uint8Array = new Uint8Array(DISTANCE_SYMBOLS);
  /** How many bits the description takes, without the block's type. */
  headerBits = 0;

  /** HLIT + 257, HDIST + 1 and HCLEN + 4: how many lengths of each code are sent. */
  #literalCount = 0;
  #distanceCount = 0;
  #lengthCount = 0;

  /** The lengths of both codes in runs: a code length symbol, its extra bits from bit 5 on. */
  readonly #runs = new Uint16Array(LITERAL_SYMBOLS + DISTANCE_SYMBOLS);
  #runCount = 0;
  readonly #runFrequencies = new Int32Array(CODE_LENGTH_SYMBOLS);
  readonly #runLengths = new Uint8Array(CODE_LENGTH_SYMBOLS);
  readonly #runWords = new Int32Array(CODE_LENGTH_SYMBOLS);

  /** Finds the best lengths for a block, as far as its price depends on them. */
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

  /** Writes the description and makes the words that were measured. */
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

  /** RFC 1951 3.2.7: the lengths of both codes are one sequence, a run may cross over. */
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

/** How many lengths have to be sent: all up to the last that is not 0, and `least` at least. */
function usedCount(lengths: Uint8Array, count: number, least: number): number {
  while (count > least && lengths[count - 1] === 0) count--;
  return count;
}
