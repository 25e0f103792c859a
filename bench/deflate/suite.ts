// Compares the codec with zlib's public synchronous calls and fflate for single messages, on any
// runtime. Prints one JSON line.

import { Buffer } from "node:buffer";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { deflateSync, inflateSync } from "fflate";
import { deflate } from "../../src/deflate/deflate.ts";
import { inflate } from "../../src/deflate/inflate.ts";
import type { DeflateLevel } from "../../src/deflate/deflate.ts";
import { message } from "../../tests/deflate/corpus.ts";
import { concat, zlibDeflate } from "../../tests/deflate/oracles.ts";
import { Random } from "../../tests/support/random.ts";
import { type Candidate, type MessageCost, time } from "./timing.ts";

/** The results of all candidates for one message size. */
export interface SizeCosts {
  /** Message size in bytes. */
  readonly size: number;
  /** Compressors. */
  readonly deflate: readonly MessageCost[];
  /** Decompressors, with input that zlib compressed at level 6. */
  readonly inflate: readonly MessageCost[];
}

const LIMIT = 1 << 20;

function sizeCosts(size: number): SizeCosts {
  const random = new Random(size);
  const count = Math.max(8, Math.min(256, (1 << 19) / size));
  const plain = Array.from({ length: count }, () => message(random, "json", size));
  const target = new Uint8Array(size);
  const own = (level: DeflateLevel): Candidate => {
    const options = { level, windowBits: 15 };
    return (index) => {
      const end = deflate(plain[index], 0, size, target, 0, options);
      return end < 0 ? size : end;
    };
  };
  const zlib = (level: number): Candidate => (index) =>
    deflateRawSync(plain[index], { level, finishFlush: constants.Z_SYNC_FLUSH }).length - 4;
  const fflate = (level: 1 | 6): Candidate => (index) =>
    deflateSync(plain[index], { level }).length;
  const compress: Record<string, Candidate> = {
    "fast": own("fast"),
    "best": own("best"),
    "zlib level 1": zlib(1),
    "zlib level 6": zlib(6),
    "fflate level 1": fflate(1),
    "fflate level 6": fflate(6),
  };

  const packed = plain.map((bytes) => zlibDeflate(bytes));
  const tail = Uint8Array.of(0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff);
  const finished = packed.map((payload) => concat(payload, tail));
  const flush = { finishFlush: constants.Z_SYNC_FLUSH };
  const decompress: Record<string, Candidate> = {
    "own": (index) => inflate(packed[index], 0, packed[index].length, LIMIT).length,
    "zlib": (index) => inflateRawSync(packed[index], flush).length,
    // fflate needs the tail appended, and an output buffer.
    "fflate": (index) => inflateSync(finished[index], { out: target }).length,
  };

  for (let index = 0; index < count; index++) {
    if (!Buffer.from(inflate(packed[index], 0, packed[index].length, LIMIT)).equals(plain[index])) {
      throw new Error("The decompressed message differs from the original");
    }
  }
  const ratios = new Map(
    Object.entries(compress).map(([name, run]) => {
      let bytes = 0;
      for (let index = 0; index < count; index++) bytes += run(index);
      return [name, bytes / (count * size)];
    }),
  );
  return {
    size,
    deflate: time(compress, count).map((cost) => ({ ...cost, ratio: ratios.get(cost.name)! })),
    inflate: time(decompress, count),
  };
}

console.log(JSON.stringify([64, 256, 1024, 2048, 4096, 16384, 65536].map(sizeCosts)));
