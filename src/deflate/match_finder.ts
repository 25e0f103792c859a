// The inverse of the tables in RFC 1951 3.2.5: maps a length or a distance to its symbol and extra
// bits, packed into one token.
//
//   literal   the byte itself, 0 to 255
//   match     bit 30 set; length symbol in bits 0-4, its extra bits in 5-9, distance symbol in
//             10-14, its extra bits in 15-27

import {
  DISTANCE_BASE,
  DISTANCE_EXTRA_BITS,
  DISTANCE_SYMBOLS,
  END_OF_BLOCK,
  LENGTH_BASE,
  LENGTH_EXTRA_BITS,
  LITERAL_SYMBOLS,
  MAX_MATCH,
} from "./tables.ts";

/** Marks a token that is a match. */
export const MATCH: number = 1 << 30;

/** By length: its part of a token, the symbol less 257 and the extra bits. */
export const LENGTH_TOKEN: Uint16Array = lengthTokens();

/**
 * The symbol of a distance, by {@linkcode distanceSlot}: distances over 256 share a symbol with at
 * least 127 neighbors.
 */
export const DISTANCE_SYMBOL: Uint8Array = distanceSymbols();

/** By distance symbol: the mask of the extra bits in a distance less one. */
export const DISTANCE_EXTRA_MASK: Uint16Array = Uint16Array.from(
  DISTANCE_EXTRA_BITS,
  (bits) => (1 << bits) - 1,
);

/** The index of a distance in {@linkcode DISTANCE_SYMBOL}, by the distance less one. */
export function distanceSlot(distanceLess1: number): number {
  return distanceLess1 < 256 ? distanceLess1 : 256 + (distanceLess1 >>> 7);
}

function lengthTokens(): Uint16Array {
  const tokens = new Uint16Array(MAX_MATCH + 1);
  for (let symbol = 0; symbol < LENGTH_BASE.length; symbol++) {
    const base = LENGTH_BASE[symbol];
    for (let extra = 0; extra < 1 << LENGTH_EXTRA_BITS[symbol]; extra++) {
      // Symbol 284 could also encode length 258; the shorter 285 overwrites it.
      if (base + extra <= MAX_MATCH) tokens[base + extra] = symbol | extra << 5;
    }
  }
  return tokens;
}

function distanceSymbols(): Uint8Array {
  const symbols = new Uint8Array(512);
  for (let symbol = 0; symbol < DISTANCE_SYMBOLS; symbol++) {
    for (let extra = 0; extra < 1 << DISTANCE_EXTRA_BITS[symbol]; extra++) {
      symbols[distanceSlot(DISTANCE_BASE[symbol] - 1 + extra)] = symbol;
    }
  }
  return symbols;
}

// The text to search: the window of earlier bytes, then a piece of the message. One buffer of fixed
// size serves all messages; a long message passes through it in pieces, each after its window.

/** The largest window (RFC 1951 2). */
const WINDOW = 32 * 1024;

/** The maximum size of a piece in bytes. */
export const PIECE: number = 64 * 1024;

/** Zeros after the text, for words read across its end. */
const PADDING = 8;

/** The text, from 0 to `end`. */
export class TextBuffer {
  /** The memory. */
  readonly bytes: Uint8Array = new Uint8Array(WINDOW + PIECE + PADDING);
  /** The same memory, to read words of 32 bits. */
  readonly view: DataView = new DataView(this.bytes.buffer);
  /** The start of the piece; the bytes before it have been processed. */
  start = 0;
  /** The end of the text. */
  end = 0;

  /** Restarts, with `history[0..length)` as the earlier bytes. */
  open(history: Uint8Array, length: number): void {
    if (length > 0) {
      this.bytes.set(length === history.length ? history : history.subarray(0, length));
    }
    this.start = length;
    this.end = length;
  }

  /**
   * Appends the next piece, `source[from..to)` of at most {@linkcode PIECE} bytes. Returns the
   * distance by which the earlier text moved down.
   */
  append(source: Uint8Array, from: number, to: number): number {
    let moved = 0;
    if (this.end > WINDOW) {
      moved = this.end - WINDOW;
      this.bytes.copyWithin(0, moved, this.end);
      this.end = WINDOW;
    }
    this.start = this.end;
    // A whole array needs no view.
    const whole = from === 0 && to === source.length;
    this.bytes.set(whole ? source : source.subarray(from, to), this.start);
    this.end += to - from;
    this.view.setInt32(this.end, 0);
    this.view.setInt32(this.end + 4, 0);
    return moved;
  }
}

// The result of the first of two passes: the tokens of one block and its symbol frequencies.

/** The maximum tokens per block, so that codes adapt to the data. */
const CAPACITY = 16 * 1024;

/** The last step of a search may add a token for each byte it skips. */
const OVERRUN = (PIECE >>> 6) + 16;

/** The tokens of a block, in the format above. */
export class TokenBlock {
  /** The number of tokens at which the block is full. */
  readonly capacity = CAPACITY;
  /** The tokens: the first `count` elements. */
  readonly tokens: Int32Array = new Int32Array(CAPACITY + OVERRUN);
  /** The frequencies of literal/length symbols. */
  readonly literals: Int32Array = new Int32Array(LITERAL_SYMBOLS);
  /** The frequencies of distance symbols. */
  readonly distances: Int32Array = new Int32Array(DISTANCE_SYMBOLS);
  /** The number of tokens. */
  count = 0;

  /** Empties the block except for its end symbol. */
  open(): void {
    this.count = 0;
    this.literals.fill(0);
    this.distances.fill(0);
    this.literals[END_OF_BLOCK] = 1;
  }
}

// A hash table of the last positions of byte sequences in the text. A position is the low 16 bits
// of a running count, so that a table is small and need not move with the text; each entry is
// verified against the text.

/** The hash multiplier of a word: the odd number nearest to the golden ratio in 32 bits. */
export const HASH_FACTOR = 0x9e3779b1;

/** The multiplier of the second word of eight bytes before it is combined with the first. */
export const HASH_FACTOR_FAR = 0x85ebca6b;

/**
 * The base-2 logarithm of the maximum slots of a shared table: one for each position in a window.
 */
const MOST_BITS = 15;

/** The count at which positions exceed 16 bits. */
const COUNT_END = 1 << 16;

/** A table, and the position of the text in its count. */
export class PositionTable {
  /** By hash: the last position of such bytes. */
  readonly slots: Uint16Array;
  /** The right shift that converts a 32-bit hash to a slot index. */
  shift: number;
  /** The position of the text's first byte. */
  base = 0;

  /** @param slots Empty slots; their number is a power of two. */
  constructor(slots: Uint16Array) {
    this.slots = slots;
    this.shift = Math.clz32(slots.length) + 1;
  }

  /** Follows the text, which was moved down by `distance`. */
  move(distance: number): void {
    this.base += distance;
  }
}

/**
 * A table shared by the messages of all connections. Each message continues the count of the
 * previous one, so that entries of other messages precede its first byte and are ignored: the size
 * of one peer's output reveals nothing about another's.
 */
export class SharedPositionTable extends PositionTable {
  /** The first byte of the text that entries may refer to. */
  first = 0;
  #count = COUNT_END;
  #usedBits = MOST_BITS;

  /** Allocates the slots. */
  constructor() {
    super(new Uint16Array(1 << MOST_BITS));
  }

  /**
   * Begins a message of `length` bytes at `first` in the text. Resets the count and the table when
   * 16 bits cannot distinguish its positions from earlier ones.
   */
  begin(first: number, length: number): void {
    if (this.#count + length > COUNT_END) {
      this.slots.fill(0, 0, 1 << this.#usedBits);
      this.#usedBits = 0;
      // Not 0, which marks an empty slot.
      this.#count = 1;
    }
    const bits = hashBits(length);
    if (bits > this.#usedBits) this.#usedBits = bits;
    this.shift = 32 - bits;
    this.base = this.#count - first;
    this.first = first;
    this.#count = Math.min(this.#count + length, COUNT_END);
  }

  override move(distance: number): void {
    super.move(distance);
    this.first = Math.max(0, this.first - distance);
  }
}

/**
 * The base-2 logarithm of the slots for a message of `length` bytes: with fewer slots, entries are
 * overwritten too soon; more would not fit in the cache and take time to clear.
 */
function hashBits(length: number): number {
  if (length <= 512) return 12;
  if (length <= 2048) return 13;
  return length <= 8192 ? 14 : MOST_BITS;
}

// Common code of the searches for repetitions (RFC 1951 4).

/** The bytes of a word; shorter repetitions are not searched for. */
export const WORD = 4;

/**
 * After this many consecutive positions without a repetition, increasingly many bytes are skipped,
 * to be fast on incompressible data.
 */
export const MAX_MISSES = 64;

/**
 * The end of the repetition of `candidate` at `place`, whose earlier bytes are known to match; at
 * most `limit`.
 */
export function matchEnd(
  bytes: Uint8Array,
  view: DataView,
  candidate: number,
  place: number,
  limit: number,
): number {
  while (place + WORD <= limit) {
    const difference = view.getInt32(place, true) ^ view.getInt32(candidate, true);
    // The lowest differing bit is in the first differing byte.
    if (difference !== 0) return place + (31 - Math.clz32(difference & -difference) >>> 3);
    place += WORD;
    candidate += WORD;
  }
  while (place < limit && bytes[place] === bytes[candidate]) {
    place++;
    candidate++;
  }
  return place;
}

// The first of two passes: a search for repetitions that looks one byte ahead for a longer one (RFC
// 1951 4, "lazy matching"). Besides the last position of four bytes it stores that of eight, to
// find long repetitions without walking a chain of short ones.

/** A repetition of this length is used without looking ahead. */
const GOOD_MATCH = 32;

/**
 * Fills `block` with the tokens of the text from `start`; returns their end: that of the text, or
 * the position where the block is full.
 *
 * @param near The table of four bytes.
 * @param far The table of eight bytes.
 * @param windowSize The maximum distance.
 */
export function findTokens(
  block: TokenBlock,
  text: TextBuffer,
  start: number,
  near: PositionTable,
  far: SharedPositionTable,
  windowSize: number,
): number {
  const { bytes, view, end } = text;
  const { slots: nearSlots, shift: nearShift, base: nearBase } = near;
  const { slots: farSlots, shift: farShift, base: farBase, first: farFirst } = far;
  const { tokens, literals, distances, capacity } = block;
  // `| 0` makes them 32-bit integers for the engine.
  const factor = HASH_FACTOR | 0;
  const farFactor = HASH_FACTOR_FAR | 0;
  const last = end - WORD;
  let count = 0;
  let place = start;
  let misses = 0;

  while (place <= last && count < capacity) {
    const word = view.getInt32(place, true);
    const farWord = view.getInt32(place + WORD, true);
    const nearSlot = Math.imul(word, factor) >>> nearShift;
    const farSlot = Math.imul(Math.imul(farWord, farFactor) ^ word, factor) >>> farShift;
    // Distances less one; an empty entry yields a distance that is too far.
    const nearBack = place + nearBase - 1 - nearSlots[nearSlot] & 0xffff;
    let back = place + farBase - 1 - farSlots[farSlot] & 0xffff;
    nearSlots[nearSlot] = place + nearBase;
    farSlots[farSlot] = place + farBase;

    let limit = place + MAX_MATCH < end ? place + MAX_MATCH : end;
    let next: number;
    let candidate = place - 1 - back;
    if (
      candidate >= farFirst && back < windowSize && view.getInt32(candidate, true) === word &&
      view.getInt32(candidate + WORD, true) === farWord && place + 2 * WORD <= end
    ) {
      next = matchEnd(bytes, view, candidate + 2 * WORD, place + 2 * WORD, limit);
    } else {
      back = nearBack;
      candidate = place - 1 - back;
      if (candidate < 0 || back >= windowSize || view.getInt32(candidate, true) !== word) {
        literals[word & 255]++;
        tokens[count++] = word & 255;
        place++;
        if (++misses < MAX_MISSES) continue;
        for (let skipped = misses >>> 6; skipped > 0 && place < end; skipped--) {
          const byte = bytes[place++];
          literals[byte]++;
          tokens[count++] = byte;
        }
        continue;
      }
      next = matchEnd(bytes, view, candidate + WORD, place + WORD, limit);
    }

    // Repeat one byte later, while that gains more than the byte it costs.
    while (next - place < GOOD_MATCH && place < last) {
      const ahead = place + 1;
      const word = view.getInt32(ahead, true);
      const farWord = view.getInt32(ahead + WORD, true);
      const nearSlot = Math.imul(word, factor) >>> nearShift;
      const farSlot = Math.imul(Math.imul(farWord, farFactor) ^ word, factor) >>> farShift;
      const nearBack = ahead + nearBase - 1 - nearSlots[nearSlot] & 0xffff;
      let aheadBack = ahead + farBase - 1 - farSlots[farSlot] & 0xffff;
      nearSlots[nearSlot] = ahead + nearBase;
      farSlots[farSlot] = ahead + farBase;

      limit = ahead + MAX_MATCH < end ? ahead + MAX_MATCH : end;
      let aheadNext = 0;
      candidate = ahead - 1 - aheadBack;
      if (
        candidate >= farFirst && aheadBack < windowSize &&
        view.getInt32(candidate, true) === word &&
        view.getInt32(candidate + WORD, true) === farWord && ahead + 2 * WORD <= end
      ) {
        aheadNext = matchEnd(bytes, view, candidate + 2 * WORD, ahead + 2 * WORD, limit);
      } else {
        aheadBack = nearBack;
        candidate = ahead - 1 - aheadBack;
        if (candidate >= 0 && aheadBack < windowSize && view.getInt32(candidate, true) === word) {
          aheadNext = matchEnd(bytes, view, candidate + WORD, ahead + WORD, limit);
        }
      }
      if (aheadNext <= next + 1) break;
      const byte = bytes[place];
      literals[byte]++;
      tokens[count++] = byte;
      place = ahead;
      next = aheadNext;
      back = aheadBack;
    }

    const lengthToken = LENGTH_TOKEN[next - place];
    const symbol = DISTANCE_SYMBOL[distanceSlot(back)];
    literals[END_OF_BLOCK + 1 + (lengthToken & 31)]++;
    distances[symbol]++;
    tokens[count++] = MATCH | lengthToken | symbol << 10 |
      (back & DISTANCE_EXTRA_MASK[symbol]) << 15;

    if (next <= last) {
      // Four of the positions inside the match are stored; storing all would cost more than it
      // saves.
      for (let at = place + 2; at < place + 4; at++) {
        const word = view.getInt32(at, true);
        const farWord = view.getInt32(at + WORD, true);
        nearSlots[Math.imul(word, factor) >>> nearShift] = at + nearBase;
        farSlots[Math.imul(Math.imul(farWord, farFactor) ^ word, factor) >>> farShift] = at +
          farBase;
      }
      for (let at = next - 2; at < next; at++) {
        const word = view.getInt32(at, true);
        const farWord = view.getInt32(at + WORD, true);
        nearSlots[Math.imul(word, factor) >>> nearShift] = at + nearBase;
        farSlots[Math.imul(Math.imul(farWord, farFactor) ^ word, factor) >>> farShift] = at +
          farBase;
      }
    }
    place = next;
    misses = 0;
  }

  if (place > last) {
    while (place < end) {
      const byte = bytes[place++];
      literals[byte]++;
      tokens[count++] = byte;
    }
  }
  block.count = count;
  return place;
}
