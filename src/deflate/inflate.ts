// A whole compressed message to bytes: its blocks one after the other, each of its type (RFC 1951
// 3.2.3), into memory that the next message takes over.

import { BitInput } from "./bit_input.ts";
import { dynamicDistances, dynamicLiterals, readDynamicCodes } from "./dynamic_header.ts";
import { fixedDistances, fixedLiterals } from "./fixed_tables.ts";
import { inflateBlock } from "./inflate_block.ts";
import { corrupt } from "./inflate_error.ts";
import type { InflateHistory } from "./inflate_history.ts";
import { OutputPool } from "./output_pool.ts";
import { powerOfTwo } from "./power_of_two.ts";
import { DYNAMIC_BLOCK, FIXED_BLOCK, STORED_BLOCK } from "./tables.ts";

const input = new BitInput();
const output = new OutputPool();

/**
 * Decompresses the message `source[start..end)`, which ends in a sync flush whose last four bytes,
 * `00 00 ff ff`, were left out.
 *
 * The result is a view of memory that the next call writes to: copy it or decode it before. That
 * memory grows with the messages, never more than 262 bytes past the largest `limit`, and shrinks
 * again after 256 messages that did not need it. `source` is only used during the call.
 *
 * A message is refused as soon as it is known to be wrong, and always when zlib would refuse it.
 * Two things are allowed beyond the letter: a message of no bytes is empty, and blocks behind one
 * that calls itself the last are decoded too, from the next byte on and with the same window.
 *
 * @param limit The most bytes the message may have. One of exactly so many is accepted.
 * @param history The messages before, to which distances may go back and this one is added. It is
 *   of no more use after an error. Default: there are none.
 * @param windowBits The window as a power of two, 8 to 15, where there is no `history` to say it:
 *   a longer distance is an error. Default: 15.
 * @throws {InflateError} When the message is corrupt or too big.
 * @throws {RangeError} When the range lies outside of `source`, `limit` is not a number from 0 on,
 *   or `windowBits` is not an integer from 8 to 15.
 *
 * @example
 * ```ts
 * import { inflate } from "@quickws/quickws/core";
 *
 * const hello = Uint8Array.of(0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00);
 * console.log(new TextDecoder().decode(inflate(hello, 0, hello.length, 1024))); // Hello
 * ```
 */
export function inflate(
  source: Uint8Array,
  start: number,
  end: number,
  limit: number,
  history?: InflateHistory,
  windowBits = 15,
): Uint8Array {
  if (!(start >= 0 && start <= end && end <= source.length)) {
    throw new RangeError(
      `source range is ${start} to ${end}: it must lie in 0 to ${source.length}`,
    );
  }
  const reach = history === undefined ? powerOfTwo("windowBits", windowBits) : history.windowSize;
  output.open(limit);
  if (start < end) {
    input.open(source, start, end);
    try {
      inflateBlocks(reach, history);
    } finally {
      input.close();
    }
  }
  if (history !== undefined) history.append(output.bytes, output.length);
  return output.message;
}

function inflateBlocks(reach: number, history: InflateHistory | undefined): void {
  for (;;) {
    const last = input.take(1) === 1; // BFINAL
    const type = input.take(2); // BTYPE
    if (type === FIXED_BLOCK) {
      inflateBlock(input, output, fixedLiterals, fixedDistances, reach, history);
    } else if (type === DYNAMIC_BLOCK) {
      readDynamicCodes(input);
      inflateBlock(input, output, dynamicLiterals, dynamicDistances, reach, history);
    } else if (type === STORED_BLOCK) {
      input.alignToByte();
      // What is left of the sync flush: its LEN and NLEN would follow.
      if (input.position === input.end) return;
      inflateStored();
    } else {
      corrupt("block type 3 is reserved");
    }
    if (last) {
      input.alignToByte();
      if (input.position === input.end) return;
    }
  }
}

/** RFC 1951 3.2.4: LEN, its complement NLEN, and the bytes as they are. */
function inflateStored(): void {
  const { bytes, position, end } = input;
  if (end - position < 4) corrupt("message ends before a stored block's lengths");
  const length = bytes[position] | bytes[position + 1] << 8;
  const complement = bytes[position + 2] | bytes[position + 3] << 8;
  if ((length ^ 0xffff) !== complement) corrupt("a stored block's lengths do not agree");
  const from = position + 4;
  if (end - from < length) corrupt("message ends within a stored block");
  output.reserve(length);
  output.bytes.set(bytes.subarray(from, from + length), output.length);
  output.length += length;
  input.position = from + length;
}
