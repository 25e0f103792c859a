// The loop that everything waits for: the symbols of one block to bytes (RFC 1951 3.2.3, "loop
// (until end of block code recognized)").

import type { BitInput } from "./bit_input.ts";
import { BLOCK_END, CONSUMED, SPECIAL, SUBTABLE } from "./decode_entry.ts";
import type { DecodeTable } from "./huffman_decode.ts";
import { corrupt } from "./inflate_error.ts";
import type { InflateHistory } from "./inflate_history.ts";
import type { OutputPool } from "./output_pool.ts";

/** From this length on a byte is repeated by the engine's own loop. */
const LONG_RUN = 16;

/**
 * Decodes the symbols of a block to its end.
 *
 * @param reach The farthest distance allowed: the window.
 * @throws {InflateError} When they make no sense, or too much of it.
 */
export function inflateBlock(
  input: BitInput,
  output: OutputPool,
  literals: DecodeTable,
  distances: DecodeTable,
  reach: number,
  history: InflateHistory | undefined,
): void {
  for (let ended = false; !ended;) {
    output.reserve(0);
    if (input.position > input.fastEnd) input.enterTail();
    ended = inflateSymbols(input, output, literals, distances, reach, history);
  }
  input.checkNotPastEnd();
}

/**
 * Decodes symbols while there is input for a turn and room for its output, and returns whether the
 * block has ended.
 *
 * Each refill leaves 24 bits or more in `hold`: it ORs in three bytes above the bits that count,
 * and goes on by as many of them as then count in full. What the bits above say comes again with
 * the next refill and is the same. That is enough for two words of the root table (10 bits each),
 * for a length with its extra bits (15 + 5), or for a distance's word (15).
 */
function inflateSymbols(
  input: BitInput,
  output: OutputPool,
  literals: DecodeTable,
  distances: DecodeTable,
  reach: number,
  history: InflateHistory | undefined,
): boolean {
  const source = input.bytes;
  const fastEnd = input.fastEnd;
  const target = output.bytes;
  const view = output.view;
  const roomEnd = output.roomEnd;
  const literalEntries = literals.entries;
  const literalMask = (1 << literals.rootBits) - 1;
  const distanceEntries = distances.entries;
  const distanceMask = (1 << distances.rootBits) - 1;
  let { position, hold, bits } = input;
  let length = output.length;
  let ended = false;

  while (position <= fastEnd && length <= roomEnd) {
    hold |= (source[position] | source[position + 1] << 8 | source[position + 2] << 16) << bits;
    position += 31 - bits >> 3;
    bits |= 24;
    let entry = literalEntries[hold & literalMask];
    if (entry < 0) {
      hold >>>= entry & CONSUMED;
      bits -= entry & CONSUMED;
      target[length++] = entry >>> 16;
      entry = literalEntries[hold & literalMask];
      if (entry < 0) {
        hold >>>= entry & CONSUMED;
        bits -= entry & CONSUMED;
        target[length++] = entry >>> 16;
        continue;
      }
      hold |= (source[position] | source[position + 1] << 8 | source[position + 2] << 16) << bits;
      position += 31 - bits >> 3;
      bits |= 24;
    }
    if ((entry & SPECIAL) !== 0) {
      if ((entry & SUBTABLE) !== 0) {
        const index = hold >>> (entry & CONSUMED) & (1 << (entry >>> 8 & 15)) - 1;
        entry = literalEntries[(entry >>> 16) + index];
        if (entry < 0) {
          hold >>>= entry & CONSUMED;
          bits -= entry & CONSUMED;
          target[length++] = entry >>> 16;
          continue;
        }
      }
      if ((entry & SPECIAL) !== 0) {
        if ((entry & BLOCK_END) === 0) corrupt("there is no such literal or length");
        hold >>>= entry & CONSUMED;
        bits -= entry & CONSUMED;
        ended = true;
        break;
      }
    }
    let consumed = entry & CONSUMED;
    const count = (entry >>> 16) + ((hold & (1 << consumed) - 1) >>> (entry >>> 8 & 15));
    hold >>>= consumed;
    bits -= consumed;

    hold |= (source[position] | source[position + 1] << 8 | source[position + 2] << 16) << bits;
    position += 31 - bits >> 3;
    bits |= 24;
    entry = distanceEntries[hold & distanceMask];
    if ((entry & SPECIAL) !== 0) {
      if ((entry & SUBTABLE) !== 0) {
        const index = hold >>> (entry & CONSUMED) & (1 << (entry >>> 8 & 15)) - 1;
        entry = distanceEntries[(entry >>> 16) + index];
      }
      if ((entry & SPECIAL) !== 0) corrupt("there is no such distance");
    }
    consumed = entry & CONSUMED;
    const word = entry >>> 8 & 15;
    let distance = entry >>> 16;
    if (consumed <= bits) {
      distance += (hold & (1 << consumed) - 1) >>> word;
      hold >>>= consumed;
      bits -= consumed;
    } else {
      // A long word with many extra bits behind it, which need two more bytes.
      consumed -= word;
      hold >>>= word;
      bits -= word;
      hold |= (source[position] | source[position + 1] << 8) << bits;
      position += 2;
      bits += 16;
      distance += hold & (1 << consumed) - 1;
      hold >>>= consumed;
      bits -= consumed;
    }

    if (distance > reach) corrupt("distance is over the window");
    const end = length + count;
    let from = length - distance;
    if (from < 0) {
      if (history === undefined || -from > history.length) corrupt("distance is over the start");
      length += history.copy(target, length, -from, count);
      from = 0;
      while (length < end) target[length++] = target[from++];
    } else if (distance >= 4) {
      // Words of four bytes, of which the last may go over the end: there is room, and what is
      // there comes later.
      do {
        view.setInt32(length, view.getInt32(from, true), true);
        length += 4;
        from += 4;
      } while (length < end);
      length = end;
    } else if (distance === 1 && count > LONG_RUN) {
      target.fill(target[from], length, end);
      length = end;
    } else {
      do target[length++] = target[from++]; while (length < end);
    }
  }

  // Only the bits that count: those above come again.
  input.hold = hold & (1 << bits) - 1;
  input.bits = bits;
  input.position = position;
  output.length = length;
  if (length > output.limit) output.refuse();
  return ended;
}
