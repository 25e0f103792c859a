// `COPY_LOOP_LIMIT` in src/wire/frame_writer.ts: the size up to which a loop is faster than `set`,
// which needs a view of the source.

import { type Choice, repeated } from "./compare.ts";

const REPEAT = 100;

function loop(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): void {
  for (let index = start; index < end; index++) target[at++] = source[index]!;
}

function set(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): void {
  target.set(source.subarray(start, end), at);
}

function copyAtSize(copy: typeof loop): (size: number) => () => void {
  return (size) => {
    const source = new Uint8Array(size + 64).fill(1);
    const target = new Uint8Array(size + 64);
    return repeated(REPEAT, () => copy(source, 6, 6 + size, target, 2));
  };
}

export const copying: Choice = {
  constant: "COPY_LOOP_LIMIT, src/wire/frame_writer.ts",
  unit: "a payload",
  size: "bytes",
  sizes: [16, 32, 64, 96, 128, 192, 256, 512],
  implementations: {
    "loop": copyAtSize(loop),
    "set with a view": copyAtSize(set),
    "set of the whole array": (size) => {
      const source = new Uint8Array(size).fill(1);
      const target = new Uint8Array(size + 64);
      return repeated(REPEAT, () => target.set(source, 2));
    },
  },
  units: REPEAT,
};
