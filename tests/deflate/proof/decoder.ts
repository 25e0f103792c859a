// Tests the decoder with zlib's output at all levels, strategies, memory levels and windows,
// messages with flushes inside, and the exact limit.

import assert from "node:assert/strict";
import { inflate } from "../../../src/deflate/inflate.ts";
import { InflateError } from "../../../src/deflate/bits.ts";
import type { Random } from "../../support/random.ts";
import { anySize, kinds, message } from "../corpus.ts";
import { concat, TAIL, zlibDeflate } from "../oracles.ts";
import { assertSame } from "./encoder.ts";

/** The results. */
export interface DecoderProof {
  /** Messages that were decompressed correctly. */
  decompressed: number;
  /** Messages one byte above the limit that were rejected as too big. */
  tooBig: number;
}

/** Tests this number of messages. */
export function proveDecoder(random: Random, inputs: number): DecoderProof {
  const proof: DecoderProof = { decompressed: 0, tooBig: 0 };
  for (let input = 0; input < inputs; input++) {
    const kind = kinds[input % kinds.length];
    const bytes = message(random, kind, anySize(random, input % 500 === 0 ? 300000 : 8000));
    const windowBits = 9 + random.below(7);
    const options = {
      level: random.below(10),
      strategy: random.below(5),
      memLevel: 1 + random.below(9),
      windowBits,
    };
    const what = `input ${input}: ${bytes.length} bytes of ${kind}, ${JSON.stringify(options)}`;

    const cut = random.below(4) === 0 ? random.below(bytes.length + 1) : bytes.length;
    let payload = zlibDeflate(bytes.subarray(0, cut), options);
    if (cut < bytes.length) {
      payload = concat(payload, TAIL, zlibDeflate(bytes.subarray(cut), options));
    }
    const start = random.below(4);
    const source = concat(random.bytes(start), payload, random.bytes(random.below(20)));
    const end = start + payload.length;
    assertSame(inflate(source, start, end, bytes.length, undefined, windowBits), bytes, what);
    proof.decompressed++;
    if (bytes.length === 0) continue;
    assert.throws(
      () => inflate(source, start, end, bytes.length - 1, undefined, windowBits),
      (error) => error instanceof InflateError && error.code === "too-big",
      what,
    );
    proof.tooBig++;
  }
  return proof;
}
