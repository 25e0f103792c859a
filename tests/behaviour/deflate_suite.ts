// The short version of the codec tests in `tests/deflate/proof.ts`. JavaScript engines compile the
// codec differently, so it runs on every runtime. The reference is the runtime's zlib.

import assert from "node:assert/strict";
import process from "node:process";
import { inflateRawSync } from "node:zlib";
import { inflate } from "../../src/deflate/inflate.ts";
import { proveDecoder } from "../deflate/proof/decoder.ts";
import { proveEncoder } from "../deflate/proof/encoder.ts";
import { proveMutations } from "../deflate/proof/mutations.ts";
import { proveTakeover } from "../deflate/proof/takeover.ts";
import { bomb } from "../support/bomb.ts";
import { Random } from "../support/random.ts";
import type { Cases } from "./harness.ts";

/** The maximum decompressed size of a bomb: the default of `maxMessageSize`. */
const BOMB_LIMIT = 16 << 20;

/** Returns the CPU time of `run` in microseconds. */
function cpuTime(run: () => void): number {
  const began = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(began);
  return user + system;
}

export const cases: Cases = {
  "zlib, fflate and the library decompress the library's output": () => {
    const proof = proveEncoder(new Random(2001), 750);
    assert.equal(proof.compressed + proof.refused, 750);
    assert(proof.compressed > 350);
    return Promise.resolve();
  },

  "decompresses zlib's output up to the exact limit": () => {
    const proof = proveDecoder(new Random(2002), 750);
    assert.equal(proof.decompressed, 750);
    assert(proof.tooBig > 600);
    return Promise.resolve();
  },

  "decompresses streams of messages that refer to each other, in both directions": async () => {
    const proof = await proveTakeover(new Random(2003), 20);
    assert(proof.outbound > 250);
    assert.equal(proof.inbound, 500);
  },

  "rejects the same data as zlib, without hanging or other errors": () => {
    const proof = proveMutations(new Random(2004), 3000);
    assert(proof.accepted > 150 && proof.refused > 1500);
    assert(proof.slowest < 1000, `${proof.slowest} ms of CPU time`);
    return Promise.resolve();
  },

  "rejects a bomb in less than five times the CPU time of zlib": () => {
    const payload = bomb();
    const quickws = (): Uint8Array => inflate(payload, 0, payload.length, BOMB_LIMIT);
    const reference = (): Uint8Array => inflateRawSync(payload, { maxOutputLength: BOMB_LIMIT });
    let [own, zlib] = [0, 0];
    for (let round = 0; round < 8; round++) {
      own += cpuTime(() => assert.throws(quickws, { code: "too-big" }));
      zlib += cpuTime(() => assert.throws(reference));
    }
    assert(own < 5 * zlib, `${own} microseconds of CPU time, zlib takes ${zlib}`);
    return Promise.resolve();
  },
};
