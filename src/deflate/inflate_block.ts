/*
 * The loop that everything waits for: the symbols of one compressed block to bytes (RFC 1951
 * 3.2.3, "loop (until end of block code recognized)").
 */

import type { BitInput } from "./bit_input.ts";
import { BLOCK_END, CONSUMED, SPECIAL, SUBTABLE } from "./decode_entry.ts";
import type { DecodeTable } from "./huffman_decode.ts";
import { corrupt } from "./inflate_error.ts";
import type { InflateHistory } from "./inflate_history.ts";
import type { OutputPool } from "./output_pool.ts";

/**
 * Decodes symbols up to the end of the block.
 *
 * @param reach How far back a distance may go: the window.
 */
export function inflateBlock(
  input: BitInput,
  output: OutputPool,
  literals: DecodeTable,
  distances: DecodeTable,
  reach: number,
  history: InflateHistory | undefined,
): void {
  for (;;) {
    output.reserve(0);
    if (input.position > input.fastEnd) input.enterTail();
    if (fastSymbols(input, output, literals, distances, reach, history)) break;
  }
  input.checkNotPastEnd();
}

/** Runs while there is plenty of input and of room; returns whether the block has ended. */
function fastSymbols(
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
  const roomEnd = output.fastEnd;
  const literalEntries = literals.entries;
  const literalMask = (1 << literals.rootBits) - 1;
  const distanceEntries = distances.entries;
  const distanceMask = (1 << distances.rootBits) - 1;
  let position = input.position;
  let hold = input.hold;
  let bits = input.bits;
  let length = output.length;
  let ended = false;

  while (position <= fastEnd && length <= roomEnd) {
    // At least 24 bits: bits above the counted ones are those of the bytes that come again.
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
        entry = literalEntries[
          (entry >>> 16) + (hold >>> (entry & CONSUMED) & (1 << (entry >>> 8 & 15)) - 1)
        ];
        if (entry < 0) {
          hold >>>= entry & CONSUMED;
          bits -= entry & CONSUMED;
          target[length++] = entry >>> 16;
          continue;
        }
      }
      if ((entry & SPECIAL) !== 0) {
        if ((entry & BLOCK_END) === 0) corrupt("no such literal or length");
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
        entry = distanceEntries[
          (entry >>> 16) + (hold >>> (entry & CONSUMED) & (1 << (entry >>> 8 & 15)) - 1)
        ];
      }
      if ((entry & SPECIAL) !== 0) corrupt("no such distance");
    }
    consumed = entry & CONSUMED;
    let distance = entry >>> 16;
    if (consumed <= bits) {
      distance += (hold & (1 << consumed) - 1) >>> (entry >>> 8 & 15);
      hold >>>= consumed;
      bits -= consumed;
    } else {
      const code = entry >>> 8 & 15;
      hold >>>= code;
      bits -= code;
      hold |= (source[position] | source[position + 1] << 8) << bits;
      position += 2;
      bits += 16;
      distance += hold & (1 << consumed - code) - 1;
      hold >>>= consumed - code;
      bits -= consumed - code;
    }
    if (distance > reach) corrupt("distance beyond the window");
    let end = length + count;
    let from = length - distance;
    if (from < 0) {
      if (history === undefined || -from > history.length) corrupt("distance before the start");
      length += history.copy(target, length, -from, count);
      from = 0;
      while (length < end) target[length++] = target[from++];
      continue;
    }
    if (distance >= 4) {
      do {
        view.setInt32(length, view.getInt32(from, true), true);
        length += 4;
        from += 4;
      } while (length < end);
      length = end;
    } else if (distance === 1 && count > 16) {
      target.fill(target[from], length, end);
      length = end;
    } else {
      do target[length++] = target[from++]; while (length < end);
    }
  }
  // Bits that were read ahead and not counted come again with their bytes.
  input.hold = hold & (bits === 0 ? 0 : -1 >>> 32 - bits);
  input.bits = bits;
  input.position = position;
  output.length = length;
  if (length > output.limit) output.refuse();
  return ended;
}
