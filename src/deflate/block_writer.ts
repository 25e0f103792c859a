// The second of two passes: a block of tokens in the shortest of its three forms, stored, with the
// fixed codes or with codes of its own (RFC 1951 3.2.3).

import type { BitOutput } from "./bit_output.ts";
import { DynamicCodes } from "./dynamic_codes.ts";
import { FIXED_DISTANCE_WORDS, FIXED_LITERAL_WORDS } from "./huffman_encode.ts";
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
  MAX_STORED,
  STORED_BLOCK,
} from "./tables.ts";
import type { TokenBlock } from "./token_block.ts";

/** BFINAL and BTYPE (RFC 1951 3.2.3). No block is the last: the connection goes on. */
const TYPE_BITS = 3;

const codes = new DynamicCodes();

/** Writes a block of the tokens that `bytes[from..to)` was made into. */
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

/** The extra bits behind the lengths and distances, the same with any code. */
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
