// The first of two passes: a search for repetitions that looks one byte ahead for a longer one
// (RFC 1951 4, "lazy matching"). Beside the last place where four bytes were seen it knows the last
// place of eight, where long repetitions are found without walking through the short ones.

import {
  DISTANCE_EXTRA_MASK,
  DISTANCE_SYMBOL,
  distanceSlot,
  LENGTH_TOKEN,
  MATCH,
} from "./encode_symbols.ts";
import { matchEnd, PATIENCE, WORD } from "./match.ts";
import {
  HASH_FACTOR,
  HASH_FACTOR_FAR,
  type PositionTable,
  type SharedPositionTable,
} from "./position_table.ts";
import { END_OF_BLOCK, MAX_MATCH } from "./tables.ts";
import type { TextBuffer } from "./text_buffer.ts";
import type { TokenBlock } from "./token_block.ts";

/** A repetition of so many bytes is taken without looking ahead. */
const GOOD_MATCH = 32;

/**
 * Fills `block` with the tokens of the text from `start` on, and returns where they end: at the
 * text's end, or where the block is full.
 *
 * @param near Where four bytes were seen last.
 * @param far Where eight bytes were seen last.
 * @param reach The farthest distance allowed: the window.
 */
export function findTokens(
  block: TokenBlock,
  text: TextBuffer,
  start: number,
  near: PositionTable,
  far: SharedPositionTable,
  reach: number,
): number {
  const { bytes, view, end } = text;
  const { slots: nearSlots, shift: nearShift, base: nearBase } = near;
  const { slots: farSlots, shift: farShift, base: farBase, first: farFirst } = far;
  const { tokens, literals, distances, capacity } = block;
  // Integers of 32 bits, which numbers of their size need not be.
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
    // Distances less one; an entry that says nothing gives one that is too far.
    const nearBack = place + nearBase - 1 - nearSlots[nearSlot] & 0xffff;
    let back = place + farBase - 1 - farSlots[farSlot] & 0xffff;
    nearSlots[nearSlot] = place + nearBase;
    farSlots[farSlot] = place + farBase;

    let limit = place + MAX_MATCH < end ? place + MAX_MATCH : end;
    let next: number;
    let candidate = place - 1 - back;
    if (
      candidate >= farFirst && back < reach && view.getInt32(candidate, true) === word &&
      view.getInt32(candidate + WORD, true) === farWord && place + 2 * WORD <= end
    ) {
      next = matchEnd(bytes, view, candidate + 2 * WORD, place + 2 * WORD, limit);
    } else {
      back = nearBack;
      candidate = place - 1 - back;
      if (candidate < 0 || back >= reach || view.getInt32(candidate, true) !== word) {
        literals[word & 255]++;
        tokens[count++] = word & 255;
        place++;
        if (++misses < PATIENCE) continue;
        for (let skipped = misses >>> 6; skipped > 0 && place < end; skipped--) {
          const byte = bytes[place++];
          literals[byte]++;
          tokens[count++] = byte;
        }
        continue;
      }
      next = matchEnd(bytes, view, candidate + WORD, place + WORD, limit);
    }

    // The same again one byte on, as long as that is better by more than the byte it costs.
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
        candidate >= farFirst && aheadBack < reach && view.getInt32(candidate, true) === word &&
        view.getInt32(candidate + WORD, true) === farWord && ahead + 2 * WORD <= end
      ) {
        aheadNext = matchEnd(bytes, view, candidate + 2 * WORD, ahead + 2 * WORD, limit);
      } else {
        aheadBack = nearBack;
        candidate = ahead - 1 - aheadBack;
        if (candidate >= 0 && aheadBack < reach && view.getInt32(candidate, true) === word) {
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
      // Four of the places within are remembered; all of them would cost more than they save.
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
