// Compression in one pass: a greedy search for repetitions, written at once with the fixed codes
// (RFC 1951 3.2.6).

import type { BitOutput } from "./bit_output.ts";
import { DISTANCE_SYMBOL, distanceSlot, LENGTH_TOKEN } from "./encode_symbols.ts";
import { FIXED_DISTANCE_WORDS, FIXED_LITERAL_WORDS } from "./huffman_encode.ts";
import { matchEnd, PATIENCE, WORD } from "./match.ts";
import { HASH_FACTOR, type PositionTable } from "./position_table.ts";
import { DISTANCE_EXTRA_BITS, END_OF_BLOCK, LENGTH_EXTRA_BITS, MAX_MATCH } from "./tables.ts";
import type { TextBuffer } from "./text_buffer.ts";

/** By byte: its word as in `FIXED_LITERAL_WORDS`. */
const LITERALS = FIXED_LITERAL_WORDS.slice(0, END_OF_BLOCK);

/** By length: its word and extra bits from bit 5 on, and how many bits they are in bits 0-4. */
const LENGTHS = Int32Array.from(LENGTH_TOKEN, (token) => {
  const word = FIXED_LITERAL_WORDS[END_OF_BLOCK + 1 + (token & 31)];
  const bits = word & 15;
  return (word >>> 4 | token >>> 5 << bits) << 5 | bits + LENGTH_EXTRA_BITS[token & 31];
});

/** By distance slot: the word, which has 5 bits, and above it how many extra bits follow. */
const DISTANCES = Int32Array.from(
  DISTANCE_SYMBOL,
  (symbol) => FIXED_DISTANCE_WORDS[symbol] >>> 4 | DISTANCE_EXTRA_BITS[symbol] << 5,
);

/**
 * Appends the text's piece to the fixed block that `output` is in.
 *
 * @param table Where four bytes were seen last.
 * @param reach The farthest distance allowed: the window.
 */
export function deflateFixed(
  text: TextBuffer,
  output: BitOutput,
  table: PositionTable,
  reach: number,
): void {
  const { bytes, view, end } = text;
  const { slots, shift, base } = table;
  const out = output.view;
  let { position, hold, bits } = output;
  const factor = HASH_FACTOR | 0; // An integer of 32 bits, which a number of its size need not be.
  const last = end - WORD;
  let place = text.start;
  let misses = 0;

  while (place <= last) {
    const word = view.getInt32(place, true);
    const slot = Math.imul(word, factor) >>> shift;
    // The distance less one; an entry that says nothing gives one that is too far.
    const back = place + base - 1 - slots[slot] & 0xffff;
    slots[slot] = place + base;
    const candidate = place - 1 - back;
    if (candidate >= 0 && back < reach && view.getInt32(candidate, true) === word) {
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
        // Two of the places within are remembered; all of them would cost more than they save.
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
    if (++misses < PATIENCE) continue;
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
