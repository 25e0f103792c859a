// Tests streams of messages that refer to earlier ones, in both directions.

import assert from "node:assert/strict";
import {
  deflate,
  DeflateContext,
  type DeflateOptions,
  deflatePart,
  storedSize,
} from "../../../src/deflate/deflate.ts";
import { inflate } from "../../../src/deflate/inflate.ts";
import { InflateHistory } from "../../../src/deflate/inflate_output.ts";
import type { Random } from "../../support/random.ts";
import { anySize, type Kind, kinds, message } from "../corpus.ts";
import { concat, TAIL, zlibDeflateStream, zlibInflateStream } from "../oracles.ts";
import { assertSame, levels } from "./encoder.ts";

/** The results. */
export interface TakeoverProof {
  /** Messages compressed by quickws and decompressed by zlib and by quickws. */
  outbound: number;
  /** Messages compressed by zlib and decompressed by quickws. */
  inbound: number;
}

/** Sends this number of streams of 25 messages in each direction. */
export async function proveTakeover(random: Random, streams: number): Promise<TakeoverProof> {
  const proof: TakeoverProof = { outbound: 0, inbound: 0 };
  for (let stream = 0; stream < streams; stream++) {
    proof.outbound += outbound(random, stream);
    proof.inbound += await inbound(random, stream);
  }
  return proof;
}

function messages(random: Random, kind: Kind): Uint8Array[] {
  const largest = random.below(20) === 0 ? 100000 : 4000;
  return Array.from(
    { length: 25 },
    () =>
      message(random, random.below(6) === 0 ? random.pick(kinds) : kind, anySize(random, largest)),
  );
}

function outbound(random: Random, stream: number): number {
  const windowBits = 8 + random.below(8);
  const context = new DeflateContext({
    historyBits: 8 + random.below(windowBits - 7),
    tableBits: 8 + random.below(8),
  });
  const history = new InflateHistory(windowBits);
  const sent: Uint8Array[] = [];
  const payloads: Uint8Array[] = [];
  for (const bytes of messages(random, kinds[stream % kinds.length])) {
    // The context may be dropped at any time.
    if (random.below(20) === 0) context.drop();
    const options = { level: random.pick(levels), windowBits, context };
    const payload = random.below(4) === 0
      ? inParts(random, bytes, options)
      : compressWhole(bytes, options);
    if (payload === undefined) continue;
    const what = `outbound stream ${stream}, message ${payloads.length}, ${windowBits} bits`;
    assertSame(inflate(payload, 0, payload.length, bytes.length, history), bytes, what);
    sent.push(bytes);
    payloads.push(payload);
  }
  if (payloads.length === 0) return 0;
  const reference = zlibInflateStream(payloads, windowBits);
  assert(reference !== undefined, `zlib rejects stream ${stream}, ${windowBits} bits`);
  assertSame(reference, concat(...sent), `zlib: stream ${stream}, ${windowBits} bits`);
  return payloads.length;
}

/** Compresses a whole message. Returns `undefined` if the result is not smaller. */
function compressWhole(bytes: Uint8Array, options: DeflateOptions): Uint8Array | undefined {
  const target = new Uint8Array(bytes.length);
  const end = deflate(bytes, 0, bytes.length, target, 0, options);
  return end < 0 ? undefined : target.slice(0, end);
}

/** Compresses a message in parts. The context may be dropped between them. */
function inParts(random: Random, bytes: Uint8Array, options: DeflateOptions): Uint8Array {
  const payloads: Uint8Array[] = [];
  for (let from = 0; from < bytes.length;) {
    if (random.below(20) === 0) options.context?.drop();
    const to = Math.min(bytes.length, from + 1 + random.below(1 + random.below(5000)));
    const target = new Uint8Array(storedSize(to - from));
    const end = deflatePart(bytes, from, to, target, 0, options);
    payloads.push(target.subarray(0, end), TAIL);
    from = to;
  }
  // An empty message is compressed to an empty block.
  return payloads.length === 0 ? Uint8Array.of(0) : concat(...payloads.slice(0, -1));
}

async function inbound(random: Random, stream: number): Promise<number> {
  const windowBits = 9 + random.below(7);
  const history = new InflateHistory(windowBits);
  const plain = messages(random, kinds[stream % kinds.length]);
  const options = { windowBits, level: random.below(10), memLevel: 1 + random.below(9) };
  const payloads = await zlibDeflateStream(plain, options);
  payloads.forEach((payload, index) => {
    const bytes = inflate(payload, 0, payload.length, plain[index].length, history);
    assertSame(bytes, plain[index], `inbound stream ${stream}, message ${index}`);
  });
  return payloads.length;
}
