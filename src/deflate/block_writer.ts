// The second of two passes: writes a block of tokens in the shortest of three forms: stored, with
// fixed codes or with dynamic codes (RFC 1951 3.2.3).

import type { BitOutput } from "./bits.ts";
import { DynamicCodes, FIXED_DISTANCE_WORDS, FIXED_LITERAL_WORDS } from "./encode_codes.ts";
import {
  DISTANCE_SYMBOL,
  distanceSlot,
  HASH_FACTOR,
  LENGTH_TOKEN,
  matchEnd,
  MAX_MISSES,
  type PositionTable,
  type TextBuffer,
  type TokenBlock,
  WORD,
} from "./match_finder.ts";
import {
  DISTANCE_EXTRA_BITS,
  DISTANCE_SYMBOLS,
  DYNAMIC_BLOCK,
  END_OF_BLOCK,
  FIXED_BLOCK,
  FIXED_DISTANCE_LENGTHS,
  FIXED_LITERAL_LENGTHS,
  LENGTH_EXTRA_BITS,
  LITERAL_SYMBOLS,
  MAX_MATCH,
  MAX_STORED,
  STORED_BLOCK,
} from "./tables.ts";

/**
 * BFINAL and BTYPE (RFC 1951 3.2.3). No block is final, because the stream of messages continues.
 */
const TYPE_BITS = 3;

const codes = new DynamicCodes();

/** Writes a block of the tokens for `bytes[from..to)`. */
export function writeBlock(
  output: BitOutput,
  block: TokenBlock,
  bytes: Uint8Array,
  from: number,
  to: number,
): void {
  codes.measure(block);
  const { literals, distances } = block;
  let fixedBits = 0;
  let dynamicBits = codes.headerBits;
  for (let symbol = 0; symbol < LITERAL_SYMBOLS; symbol++) {
    const frequency = literals[symbol];
    if (frequency === 0) continue;
    fixedBits += frequency * FIXED_LITERAL_LENGTHS[symbol];
    dynamicBits += frequency * codes.literalLengths[symbol];
  }
  for (let symbol = 0; symbol < DISTANCE_SYMBOLS; symbol++) {
    const frequency = distances[symbol];
    fixedBits += frequency * FIXED_DISTANCE_LENGTHS[symbol];
    dynamicBits += frequency * codes.distanceLengths[symbol];
  }
  const coded = (fixedBits < dynamicBits ? fixedBits : dynamicBits) + extraBits(block);
  if (storedBits(to - from) <= coded) {
    writeStored(output, bytes, from, to);
  } else if (fixedBits <= dynamicBits) {
    output.put(FIXED_BLOCK << 1, TYPE_BITS);
    writeTokens(output, block, FIXED_LITERAL_WORDS, FIXED_DISTANCE_WORDS);
  } else {
    output.put(DYNAMIC_BLOCK << 1, TYPE_BITS);
    codes.write(output);
    writeTokens(output, block, codes.literalWords, codes.distanceWords);
  }
}

/** The extra bits after lengths and distances, the same with any code. */
function extraBits(block: TokenBlock): number {
  let bits = 0;
  for (let symbol = END_OF_BLOCK + 1; symbol < LITERAL_SYMBOLS; symbol++) {
    bits += block.literals[symbol] * LENGTH_EXTRA_BITS[symbol - END_OF_BLOCK - 1];
  }
  for (let symbol = 0; symbol < DISTANCE_SYMBOLS; symbol++) {
    bits += block.distances[symbol] * DISTANCE_EXTRA_BITS[symbol];
  }
  return bits;
}

/** RFC 1951 3.2.4: up to a byte boundary, then LEN and NLEN before the bytes. */
function storedBits(length: number): number {
  return 8 * (length + 5 * Math.ceil(length / MAX_STORED));
}

function writeStored(output: BitOutput, bytes: Uint8Array, from: number, to: number): void {
  while (from < to) {
    const length = Math.min(to - from, MAX_STORED);
    output.put(STORED_BLOCK << 1, TYPE_BITS);
    output.alignToByte();
    output.put(length, 16);
    output.put(~length & 0xffff, 16);
    output.copy(bytes, from, from + length);
    from += length;
  }
}

function writeTokens(
  output: BitOutput,
  block: TokenBlock,
  literalWords: Int32Array,
  distanceWords: Int32Array,
): void {
  const out = output.view;
  const { tokens, count } = block;
  let { position, hold, bits } = output;
  for (let index = 0; index < count; index++) {
    const token = tokens[index];
    if (token < END_OF_BLOCK) {
      const word = literalWords[token];
      hold |= word >>> 4 << bits;
      bits += word & 15;
      out.setInt32(position, hold, true);
      position += bits >>> 3;
      hold >>>= bits & 24;
      bits &= 7;
      continue;
    }
    const length = token & 31;
    let word = literalWords[END_OF_BLOCK + 1 + length];
    hold |= (word >>> 4 | (token >>> 5 & 31) << (word & 15)) << bits;
    bits += (word & 15) + LENGTH_EXTRA_BITS[length];
    out.setInt32(position, hold, true);
    position += bits >>> 3;
    hold >>>= bits & 24;
    bits &= 7;

    const distance = token >>> 10 & 31;
    word = distanceWords[distance];
    hold |= (word >>> 4 | (token >>> 15 & 0x1fff) << (word & 15)) << bits;
    bits += (word & 15) + DISTANCE_EXTRA_BITS[distance];
    out.setInt32(position, hold, true);
    position += bits >>> 3;
    hold >>>= bits & 24;
    bits &= 7;
  }
  output.position = position;
  output.hold = hold;
  output.bits = bits;
  output.put(literalWords[END_OF_BLOCK] >>> 4, literalWords[END_OF_BLOCK] & 15);
}

// Compression in one pass: a greedy search for repetitions, written immediately with the fixed
// codes (RFC 1951 3.2.6).

/** By byte: its word as in `FIXED_LITERAL_WORDS`. */
const LITERALS = FIXED_LITERAL_WORDS.slice(0, END_OF_BLOCK);

/** By length: its word and extra bits from bit 5 up, and their number in bits 0-4. */
const LENGTHS = Int32Array.from(LENGTH_TOKEN, (token) => {
  const word = FIXED_LITERAL_WORDS[END_OF_BLOCK + 1 + (token & 31)];
  const bits = word & 15;
  return (word >>> 4 | token >>> 5 << bits) << 5 | bits + LENGTH_EXTRA_BITS[token & 31];
});

/** By distance slot: the 5-bit word, and above it the number of extra bits. */
const DISTANCES = Int32Array.from(
  DISTANCE_SYMBOL,
  (symbol) => FIXED_DISTANCE_WORDS[symbol] >>> 4 | DISTANCE_EXTRA_BITS[symbol] << 5,
);

/**
 * Appends the text's piece to the current fixed block of `output`.
 *
 * @param table The last positions of four bytes.
 * @param windowSize The maximum distance.
 */
export function deflateFixed(
  text: TextBuffer,
  output: BitOutput,
  table: PositionTable,
  windowSize: number,
): void {
  const { bytes, view, end } = text;
  const { slots, shift, base } = table;
  const out = output.view;
  let { position, hold, bits } = output;
  const factor = HASH_FACTOR | 0; // `| 0` makes it a 32-bit integer for the engine.
  const last = end - WORD;
  let place = text.start;
  let misses = 0;

  while (place <= last) {
    const word = view.getInt32(place, true);
    const slot = Math.imul(word, factor) >>> shift;
    // The distance less one; an empty entry yields a distance that is too far.
    const back = place + base - 1 - slots[slot] & 0xffff;
    slots[slot] = place + base;
    const candidate = place - 1 - back;
    if (candidate >= 0 && back < windowSize && view.getInt32(candidate, true) === word) {
      const limit = place + MAX_MATCH < end ? place + MAX_MATCH : end;
      const next = matchEnd(bytes, view, candidate + WORD, place + WORD, limit);

      const length = LENGTHS[next - place];
      hold |= length >>> 5 << bits;
      bits += length & 31;
      out.setInt32(position, hold, true);
      position += bits >>> 3;
      hold >>>= bits & 24;
      bits &= 7;

      const distance = DISTANCES[distanceSlot(back)];
      const extra = distance >>> 5;
      hold |= (distance & 31 | (back & (1 << extra) - 1) << 5) << bits;
      bits += 5 + extra;
      out.setInt32(position, hold, true);
      position += bits >>> 3;
      hold >>>= bits & 24;
      bits &= 7;

      if (next <= last) {
        // Two of the positions inside the match are stored; storing all would cost more than it
        // saves.
        slots[Math.imul(view.getInt32(place + 1, true), factor) >>> shift] = place + 1 + base;
        slots[Math.imul(view.getInt32(next - 2, true), factor) >>> shift] = next - 2 + base;
      }
      place = next;
      misses = 0;
      continue;
    }

    const literal = LITERALS[word & 255];
    place++;
    hold |= literal >>> 4 << bits;
    bits += literal & 15;
    out.setInt32(position, hold, true);
    position += bits >>> 3;
    hold >>>= bits & 24;
    bits &= 7;
    if (++misses < MAX_MISSES) continue;
    for (let skipped = misses >>> 6; skipped > 0 && place < end; skipped--) {
      const literal = LITERALS[bytes[place++]];
      hold |= literal >>> 4 << bits;
      bits += literal & 15;
      out.setInt32(position, hold, true);
      position += bits >>> 3;
      hold >>>= bits & 24;
      bits &= 7;
    }
  }

  while (place < end) {
    const literal = LITERALS[bytes[place++]];
    hold |= literal >>> 4 << bits;
    bits += literal & 15;
    out.setInt32(position, hold, true);
    position += bits >>> 3;
    hold >>>= bits & 24;
    bits &= 7;
  }
  output.position = position;
  output.hold = hold;
  output.bits = bits;
}
