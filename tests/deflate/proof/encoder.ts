// Tests the encoder with three decoders: zlib, fflate, and quickws, the only one that checks every
// distance.

import assert from "node:assert/strict";
import { deflate } from "../../../src/deflate/deflate.ts";
import { inflate } from "../../../src/deflate/inflate.ts";
import type { DeflateLevel } from "../../../src/deflate/deflate.ts";
import type { Random } from "../../support/random.ts";
import { anySize, kinds, message } from "../corpus.ts";
import { concat, fflateInflate, zlibInflate } from "../oracles.ts";

/** Both levels. */
export const levels: readonly DeflateLevel[] = ["fast", "best"];

/** The results. */
export interface EncoderProof {
  /** Messages that were compressed, and decompressed by all three decoders. */
  compressed: number;
  /** Messages that did not get smaller. */
  refused: number;
}

/** Compresses this number of messages of all kinds and sizes, at all levels and windows. */
export function proveEncoder(random: Random, inputs: number): EncoderProof {
  const proof: EncoderProof = { compressed: 0, refused: 0 };
  for (let input = 0; input < inputs; input++) {
    const kind = kinds[input % kinds.length];
    const bytes = message(random, kind, anySize(random, input % 500 === 0 ? 300000 : 8000));
    const level = random.pick(levels);
    const windowBits = random.below(2) === 0 ? 15 : 8 + random.below(8);
    const what = `input ${input}: ${bytes.length} bytes of ${kind}, ${level}, ${windowBits} bits`;

    // The input and the output are parts of larger arrays.
    const before = random.below(8);
    const offset = random.below(8);
    const source = before === 0 ? bytes : concat(random.bytes(before), bytes, random.bytes(3));
    const target = new Uint8Array(offset + bytes.length + 4).fill(0xa5);
    const end = deflate(source, before, before + bytes.length, target, offset, {
      level,
      windowBits,
    });
    assert(target.subarray(0, offset).every((byte) => byte === 0xa5), what);
    assert(target.subarray(offset + bytes.length).every((byte) => byte === 0xa5), what);
    if (end < 0) {
      proof.refused++;
      continue;
    }
    assert(end < offset + bytes.length, what);
    const payload = target.slice(offset, end);
    const reference = zlibInflate(payload, windowBits);
    assert(reference !== undefined && !reference.stopped, `zlib rejects ${what}`);
    assertSame(reference.bytes, bytes, `zlib: ${what}`);
    assertSame(fflateInflate(payload, bytes.length), bytes, `fflate: ${what}`);
    const quickws = inflate(payload, 0, payload.length, bytes.length, undefined, windowBits);
    assertSame(quickws, bytes, `quickws: ${what}`);
    proof.compressed++;
  }
  return proof;
}

/** Compares bytes, faster than `deepEqual`. */
export function assertSame(actual: Uint8Array, expected: Uint8Array, what: string): void {
  let same = actual.length === expected.length;
  for (let index = 0; same && index < expected.length; index++) {
    same = actual[index] === expected[index];
  }
  assert(same, what);
}
