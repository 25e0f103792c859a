// `GATHER_MIN` and `GATHER_GROWTH` in src/message/message_reader.ts: the initial size and the
// growth of the buffer for a fragmented message.

import type { Choice } from "./compare.ts";

/** The size of a fragmented message, unknown before its last fragment. */
const MESSAGE = 256 * 1024;
const FRAGMENT = 1024;
const fragment = new Uint8Array(FRAGMENT).fill(1);

/** Collects fragments and removes unused memory. */
function gather(message: number, first: number, growth: number): Uint8Array {
  let memory = new Uint8Array(0);
  for (let length = 0; length < message; length += FRAGMENT) {
    const needed = length + FRAGMENT;
    if (memory.length < needed) {
      const grown = new Uint8Array(Math.max(first, needed * growth));
      grown.set(memory.subarray(0, length));
      memory = grown;
    }
    memory.set(fragment, length);
  }
  return memory.length > 2 * message ? memory.slice(0, message) : memory.subarray(0, message);
}

export const growing: Choice = {
  constant: "GATHER_GROWTH, src/message/message_reader.ts",
  unit: "256 KiB in fragments of 1 KiB",
  size: "growth factor",
  sizes: [1, 2, 3, 4, 8],
  implementations: {
    "256 KiB": (growth) => () => gather(MESSAGE, 1024, growth),
    "8 KiB": (growth) => () => gather(8192, 1024, growth),
  },
};

export const beginning: Choice = {
  constant: "GATHER_MIN, src/message/message_reader.ts",
  unit: "a message in two fragments of 1 KiB",
  size: "initial size in bytes",
  sizes: [256, 1024, 4096, 16384],
  implementations: { "2 KiB": (first) => () => gather(2048, first, 4) },
};
