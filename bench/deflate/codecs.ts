// Compresses JSON messages with the library's codec and with fflate's, on any runtime. Prints one
// JSON line.

import * as fflate from "fflate";
import { deflate, type DeflateLevel } from "../../src/deflate/deflate.ts";
import { fflateCodec } from "../../src/fflate.ts";
import { message } from "../../tests/deflate/corpus.ts";
import { Random } from "../../tests/support/random.ts";
import { type Candidate, type MessageCost, time } from "./timing.ts";

/** The results for one message size. */
export interface CodecCosts {
  /** The message size in bytes. */
  readonly size: number;
  /** The cost with each codec. */
  readonly costs: readonly MessageCost[];
}

function codecCosts(size: number): CodecCosts {
  const random = new Random(size);
  const count = Math.max(8, Math.min(256, (1 << 19) / size));
  const plain = Array.from({ length: count }, () => message(random, "json", size));
  const target = new Uint8Array(size);
  const own = (level: DeflateLevel): Candidate => (index) => {
    const end = deflate(plain[index]!, 0, size, target, 0, { level, windowBits: 15 });
    // If compression does not make a message shorter, it is sent uncompressed.
    return end < 0 ? size : end;
  };
  const codec = fflateCodec(fflate, { level: 6 });
  const candidates: Record<string, Candidate> = {
    '"fast"': own("fast"),
    '"best"': own("best"),
    "fflate": (index) => codec.deflate(plain[index]!).length,
  };
  const compressed = (run: Candidate): number => {
    let bytes = 0;
    for (let index = 0; index < count; index++) bytes += run(index);
    return bytes / (count * size);
  };
  return {
    size,
    costs: time(candidates, count).map((cost) => ({
      ...cost,
      ratio: compressed(candidates[cost.name]!),
    })),
  };
}

console.log(JSON.stringify([64, 1024, 4096, 65536].map(codecCosts)));
