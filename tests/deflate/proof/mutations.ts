// Tests the decoder with damaged messages: it accepts no message that zlib rejects, and throws only
// InflateErrors. The results include the CPU time.

import assert from "node:assert/strict";
import process from "node:process";
import { deflate } from "../../../src/deflate/deflate.ts";
import { inflate } from "../../../src/deflate/inflate.ts";
import { InflateError } from "../../../src/deflate/bits.ts";
import type { Random } from "../../support/random.ts";
import { anySize, kinds, message } from "../corpus.ts";
import { craftedStreams } from "../crafted_streams.ts";
import { concat, TAIL, zlibDeflate, zlibInflate } from "../oracles.ts";
import { assertSame, levels } from "./encoder.ts";

/** The results. */
export interface MutationProof {
  /** Messages that both decode to the same bytes. */
  accepted: number;
  /** Messages that both reject. */
  refused: number;
  /** Messages that only zlib accepts, for example because it ignores data after a final block. */
  stricter: number;
  /** Messages that quickws continues to decode after a final block. */
  continued: number;
  /** The maximum CPU time for one message, in milliseconds. */
  slowest: number;
}

/** The limit of the decompressed size. */
const LIMIT = 1 << 20;

/** Damages this number of messages and decodes them. */
export function proveMutations(random: Random, cases: number): MutationProof {
  const proof: MutationProof = { accepted: 0, refused: 0, stricter: 0, continued: 0, slowest: 0 };
  const samples = Array.from({ length: 400 }, () => sample(random));
  samples.push(...craftedStreams.map((stream) => stream.payload));
  for (let index = 0; index < cases; index++) {
    if (index % 50 === 0) samples[random.below(400)] = sample(random);
    const payload = mutate(random, samples);
    const what = `case ${index}: ${payload.length} bytes`;

    let quickws: Uint8Array | undefined;
    const began = process.cpuUsage();
    try {
      quickws = inflate(payload, 0, payload.length, LIMIT);
    } catch (error) {
      assert(error instanceof InflateError, `${what}: ${error}`);
    }
    const { user, system } = process.cpuUsage(began);
    proof.slowest = Math.max(proof.slowest, (user + system) / 1000);

    const reference = zlibInflate(payload, 15, LIMIT);
    if (quickws === undefined) {
      if (reference === undefined) proof.refused++;
      else proof.stricter++;
      continue;
    }
    // quickws accepts zero bytes as an empty message.
    if (payload.length === 0) continue;
    assert(reference !== undefined, `only quickws accepts ${what}: ${payload}`);
    const continued = quickws.length > reference.bytes.length;
    assert(!continued || reference.stopped, what);
    assertSame(quickws.subarray(0, reference.bytes.length), reference.bytes, what);
    if (continued) proof.continued++;
    else proof.accepted++;
  }
  return proof;
}

function sample(random: Random): Uint8Array {
  const bytes = message(random, random.pick(kinds), anySize(random, 3000));
  if (random.below(3) === 0) {
    const target = new Uint8Array(bytes.length);
    const options = { level: random.pick(levels), windowBits: 15 };
    const end = deflate(bytes, 0, bytes.length, target, 0, options);
    if (end >= 0) return target.slice(0, end);
  }
  return zlibDeflate(bytes, { level: random.below(10), strategy: random.below(5) });
}

function mutate(random: Random, samples: readonly Uint8Array[]): Uint8Array {
  const payload = random.pick(samples).slice();
  const at = random.below(payload.length + 1);
  switch (random.below(9)) {
    case 0:
      return payload.slice(0, at);
    case 1:
      return payload.slice(at);
    case 2:
      return concat(
        payload.subarray(0, at),
        random.bytes(1 + random.below(4)),
        payload.subarray(at),
      );
    case 3:
      return concat(payload.subarray(0, at), payload.subarray(at + 1 + random.below(4)));
    case 4:
      return concat(payload.subarray(0, at), random.pick(samples).subarray(random.below(100)));
    case 5:
      return concat(payload, random.below(2) === 0 ? TAIL : random.bytes(3), random.pick(samples));
    case 6:
      return random.bytes(random.below(200));
    default:
      // Flip bits, mostly near the start, where the codes are described.
      for (let flips = 1 + random.below(1 + random.below(6)); flips > 0; flips--) {
        if (payload.length === 0) break;
        const reach = random.below(2) === 0 ? Math.min(payload.length, 60) : payload.length;
        payload[random.below(reach)] ^= 1 << random.below(8);
      }
      return payload;
  }
}
