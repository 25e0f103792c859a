// The short form of the codec's proof that `tests/deflate/proof.ts` runs at length: engines differ in
// how they compile it, and the runtimes' own zlib is what it is measured by.

import assert from "node:assert/strict";
import { proveDecoder } from "../deflate/proof/decoder.ts";
import { proveEncoder } from "../deflate/proof/encoder.ts";
import { proveMutations } from "../deflate/proof/mutations.ts";
import { proveTakeover } from "../deflate/proof/takeover.ts";
import { Random } from "../support/random.ts";
import type { Cases } from "./harness.ts";

/** Every part of the proof. */
export const cases: Cases = {
  "what we compress is what zlib, fflate and we decompress": () => {
    const proof = proveEncoder(new Random(2001), 1500);
    assert.equal(proof.compressed + proof.refused, 1500);
    assert(proof.compressed > 700);
    return Promise.resolve();
  },

  "what zlib compresses is what we decompress, to the byte of the limit": () => {
    const proof = proveDecoder(new Random(2002), 1500);
    assert.equal(proof.decompressed, 1500);
    assert(proof.tooBig > 1200);
    return Promise.resolve();
  },

  "streams of messages that refer to each other come through, both ways": async () => {
    const proof = await proveTakeover(new Random(2003), 20);
    assert(proof.outbound > 250);
    assert.equal(proof.inbound, 500);
  },

  "nothing is accepted that zlib refuses, nothing hangs, no error is foreign": () => {
    const proof = proveMutations(new Random(2004), 6000);
    assert(proof.accepted > 300 && proof.refused > 3000);
    assert(proof.slowest < 1000, `${proof.slowest} ms`);
    return Promise.resolve();
  },
};
