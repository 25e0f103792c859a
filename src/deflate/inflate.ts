/*
 * A whole compressed message to bytes: the blocks one after the other, each of its type (RFC 1951
 * 3.2.3), in memory that the next message takes over.
 */

import { BitInput } from "./bit_input.ts";
import { readDynamicCodes } from "./dynamic_header.ts";
import {
  dynamicDistances,
  dynamicLiterals,
  fixedDistances,
  fixedLiterals,
} from "./decode_tables.ts";
import { inflateBlock } from "./inflate_block.ts";
import { corrupt } from "./inflate_error.ts";
import type { InflateHistory } from "./inflate_history.ts";
import { OutputPool } from "./output_pool.ts";
import { DYNAMIC_BLOCK, FIXED_BLOCK, STORED_BLOCK } from "./tables.ts";

const input = new BitInput();
const output = new OutputPool();

export function inflate(
  source: Uint8Array,
  start: number,
  end: number,
  limit: number,
  history?: InflateHistory,
  reach: number = history === undefined ? 32768 : history.windowSize,
): Uint8Array {
  output.open(limit);
  input.open(source, start, end);
  try {
    if (start < end) inflateBlocks(reach, history);
  } finally {
    input.close();
  }
  if (history !== undefined) history.append(output.bytes, output.length);
  return output.close();
}

function inflateBlocks(reach: number, history: InflateHistory | undefined): void {
  for (;;) {
    const last = input.take(1) === 1;
    const type = input.take(2);
    if (type === STORED_BLOCK) {
      input.alignToByte();
      if (input.position === input.end) return;
      inflateStored();
    } else if (type === FIXED_BLOCK) {
      inflateBlock(input, output, fixedLiterals, fixedDistances, reach, history);
    } else if (type === DYNAMIC_BLOCK) {
      readDynamicCodes(input, dynamicLiterals, dynamicDistances);
      inflateBlock(input, output, dynamicLiterals, dynamicDistances, reach, history);
    } else {
      corrupt("block type 3 is reserved");
    }
    if (last) {
      input.alignToByte();
      if (input.position >= input.end) return;
    }
  }
}

function inflateStored(): void {
  const bytes = input.bytes;
  const position = input.position;
  if (input.end - position < 4) corrupt("message ends within a stored block's lengths");
  const length = bytes[position] | bytes[position + 1] << 8;
  const check = bytes[position + 2] | bytes[position + 3] << 8;
  if ((length ^ 0xffff) !== check) corrupt("a stored block's lengths do not match");
  const from = position + 4;
  if (input.end - from < length) corrupt("message ends within a stored block");
  output.reserve(length);
  output.bytes.set(bytes.subarray(from, from + length), output.length);
  output.length += length;
  input.position = from + length;
}
