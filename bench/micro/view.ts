// `COPIES_BELOW` in src/transport/bun.ts: the size up to which copying a message out of its chunk
// is faster than creating a view. Each chunk is a separate array, as on Bun.

import { type Choice, repeated } from "./compare.ts";

const REPEAT = 100;
const HEADER = 6;

function takeAtSize(
  take: (chunk: Uint8Array, end: number) => unknown,
): (size: number) => () => void {
  return (size) =>
    repeated(REPEAT, () => {
      const chunk = new Uint8Array(HEADER + size);
      chunk[HEADER] = 1;
      take(chunk, HEADER + size);
    });
}

export const viewing: Choice = {
  constant: "COPIES_BELOW, src/transport/bun.ts",
  unit: "a chunk and its message",
  size: "bytes",
  sizes: [16, 64, 128, 256, 512, 1024, 2048],
  implementations: {
    "chunk alone": takeAtSize((chunk) => chunk),
    "view": takeAtSize((chunk, end) => chunk.subarray(HEADER, end)),
    "copy": takeAtSize((chunk, end) => chunk.slice(HEADER, end)),
  },
  units: REPEAT,
};
