import assert from "node:assert/strict";
import { BitInput } from "../../src/deflate/bits.ts";
import { BitOutput } from "../../src/deflate/bits.ts";
import { CONSUMED, SUBTABLE } from "../../src/deflate/decode_tables.ts";
import { DynamicCodes } from "../../src/deflate/encode_codes.ts";
import {
  dynamicDistances,
  dynamicLiterals,
  readDynamicCodes,
} from "../../src/deflate/decode_tables.ts";
import type { DecodeTable } from "../../src/deflate/decode_tables.ts";
import { TokenBlock } from "../../src/deflate/match_finder.ts";
import { Random } from "../support/random.ts";

/** Creates a block with frequencies but without tokens. Of every 8 symbols, `share` occur. */
function block(random: Random, share: number): TokenBlock {
  const block = new TokenBlock();
  block.open();
  const spread = 1 + random.below(12);
  for (const frequencies of [block.literals, block.distances]) {
    for (let symbol = 0; symbol < frequencies.length; symbol++) {
      if (random.below(8) < share) {
        frequencies[symbol] += 1 + random.below(1 << random.below(spread));
      }
    }
  }
  return block;
}

/** Decodes a written codeword and returns its length. */
function decodedLength(table: DecodeTable, packed: number): number {
  let entry = table.entries[packed >>> 4 & (1 << table.rootBits) - 1];
  if (entry >= 0 && (entry & SUBTABLE) !== 0) {
    const index = packed >>> 4 + (entry & CONSUMED) & (1 << (entry >>> 8 & 15)) - 1;
    entry = table.entries[(entry >>> 16) + index];
  }
  return entry >>> 8 & 15;
}

Deno.test("a dynamic header has the computed size and decodes to the same codes", () => {
  const random = new Random(81);
  const codes = new DynamicCodes();
  for (let run = 0; run < 600; run++) {
    const blockOfRun = block(random, run % 9);
    codes.measure(blockOfRun);
    const output = new BitOutput(2000);
    output.open();
    codes.write(output);
    assert.equal(8 * output.position + output.bits, codes.headerBits);
    output.put(0x2aa, 10);
    output.alignToByte();

    const input = new BitInput();
    input.open(output.bytes, 0, output.position);
    readDynamicCodes(input);
    assert.equal(input.take(10), 0x2aa);
    for (
      const [words, lengths, frequencies, table] of [
        [codes.literalWords, codes.literalLengths, blockOfRun.literals, dynamicLiterals],
        [codes.distanceWords, codes.distanceLengths, blockOfRun.distances, dynamicDistances],
      ] as const
    ) {
      for (const [symbol, frequency] of frequencies.entries()) {
        if (frequency > 0) assert(lengths[symbol] > 0);
        assert(lengths[symbol] <= 11);
        if (lengths[symbol] === 0) continue;
        assert.equal(words[symbol] & 15, lengths[symbol]);
        assert.equal(decodedLength(table, words[symbol]), lengths[symbol]);
      }
    }
  }
});

Deno.test("a block without matches has two distance codes of one bit, so that both codes are complete", () => {
  const codes = new DynamicCodes();
  const empty = new TokenBlock();
  empty.open();
  empty.literals[65] = 10;
  codes.measure(empty);
  assert.deepEqual(Array.from(codes.distanceLengths.subarray(0, 3)), [1, 1, 0]);
});

Deno.test("run-length encodes equal consecutive code lengths", () => {
  const codes = new DynamicCodes();
  const even = new TokenBlock();
  even.open();
  even.literals.fill(1);
  even.distances.fill(1);
  codes.measure(even);
  // 286 code lengths of 8 or 9 bits in runs of 7, and 30 more.
  assert(codes.headerBits < 260, `${codes.headerBits} bits`);
});
