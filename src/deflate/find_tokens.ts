/*
 * The first of two passes: a search for repetitions that looks one byte ahead for a longer one
 * (RFC 1951 4, "lazy matching"). Besides the last place where four bytes were seen it knows the
 * last place of eight, where long repetitions are found at once.
 */

import {
  DISTANCE_EXTRA_MASK,
  DISTANCE_SYMBOL,
  distanceSlot,
  LENGTH_TOKEN,
  MATCH,
} from "./encode_symbols.ts";
import { matchEnd, PATIENCE, WORD } from "./match.ts";
import { HASH_FACTOR, HASH_FACTOR_FAR, type PositionTable } from "./position_table.ts";
import { END_OF_BLOCK, MAX_MATCH } from "./tables.ts";
import type { TextBuffer } from "./text_buffer.ts";
import type { TokenBlock } from "./token_block.ts";

/** A match of so many bytes is taken without looking ahead. */
const GOOD_MATCH = 32;

/**
 * Fills `block` with the tokens of the text from `start` on and returns where they end: at the
 * text's end or where the block is full.
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
  far: PositionTable,
  reach: number,
): number {
  const { bytes, view, end } = text;
  const { slots: nearSlots, shift: nearShift, base: nearBase, first: nearFirst } = near;
  const { slots: farSlots, shift: farShift, base: farBase, first: farFirst } = far;
  const { tokens, literals, distances, capacity } = block;
  // Integers of 32 bits, which numbers of their size need not be.
  const factor = HASH_FACTOR | 0;
  const farFactor = HASH_FACTOR_FAR | 0;
  const last = end - WORD;
  let count = 0;
  let place = start;
  let misses = 0;
  // The match at the place before, if there is one to be beaten: where it ends, and its distance
  // less one.
  let heldNext = 0;
  let heldBack = 0;

  while (place <= last && count < capacity) {
    const word = view.getInt32(place, true);
    const farWord = view.getInt32(place + WORD, true);
    const nearSlot = Math.imul(word, factor) >>> nearShift;
    const farSlot = Math.imul(Math.imul(farWord, farFactor) ^ word, factor) >>> farShift;
    const nearBack = place + nearBase - 1 - nearSlots[nearSlot] & 0xffff;
    let back = place + farBase - 1 - farSlots[farSlot] & 0xffff;
    nearSlots[nearSlot] = place + nearBase;
    farSlots[farSlot] = place + farBase;

    const limit = place + MAX_MATCH < end ? place + MAX_MATCH : end;
    let next = 0;
    let candidate = place - 1 - back;
    if (
      candidate >= farFirst && back < reach && view.getInt32(candidate, true) === word &&
      view.getInt32(candidate + WORD, true) === farWord && place + 2 * WORD <= end
    ) {
      next = matchEnd(bytes, view, candidate + 2 * WORD, place + 2 * WORD, limit);
    } else {
      back = nearBack;
      candidate = place - 1 - back;
      if (candidate >= nearFirst && back < reach && view.getInt32(candidate, true) === word) {
        next = matchEnd(bytes, view, candidate + WORD, place + WORD, limit);
      }
    }

    if (heldNext !== 0 && next <= heldNext + 1) {
      // What follows the byte is no better: the match at the byte is taken.
      place--;
      next = heldNext;
      back = heldBack;
    } else {
      if (heldNext !== 0) {
        const byte = bytes[place - 1];
        literals[byte]++;
        tokens[count++] = byte;
      } else if (next === 0) {
        let skipped = ++misses < PATIENCE ? 0 : misses >>> 6;
        do {
          const byte = bytes[place++];
          literals[byte]++;
          tokens[count++] = byte;
        } while (--skipped >= 0 && place < end);
        continue;
      }
      if (next - place < GOOD_MATCH && place < last) {
        heldNext = next;
        heldBack = back;
        place++;
        continue;
      }
    }

    const lengthToken = LENGTH_TOKEN[next - place];
    const symbol = DISTANCE_SYMBOL[distanceSlot(back)];
    literals[END_OF_BLOCK + 1 + (lengthToken & 31)]++;
    distances[symbol]++;
    tokens[count++] = MATCH | lengthToken | symbol << 10 |
      (back & DISTANCE_EXTRA_MASK[symbol]) << 15;
    if (next <= last) {
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
    heldNext = 0;
    misses = 0;
  }
  if (heldNext !== 0) {
    place--;
    const lengthToken = LENGTH_TOKEN[heldNext - place];
    const symbol = DISTANCE_SYMBOL[distanceSlot(heldBack)];
    literals[END_OF_BLOCK + 1 + (lengthToken & 31)]++;
    distances[symbol]++;
    tokens[count++] = MATCH | lengthToken | symbol << 10 |
      (heldBack & DISTANCE_EXTRA_MASK[symbol]) << 15;
    place = heldNext;
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
