// `THRESHOLD_ALONE` in src/message/permessage.ts: the minimum message size for which compression
// without context takeover saves enough bytes to be worth the time.

import { deflate } from "../../src/core.ts";
import { jsonOf } from "../load/frames.ts";
import { type Choice, repeated } from "./compare.ts";

const REPEAT = 20;
const VARIETY = 20;

const target = new Uint8Array(1 << 16);

/** Returns the compressed size, or the original size if that is not larger. */
function compress(message: Uint8Array): number {
  const end = deflate(message, 0, message.length, target, 0, { level: "fast", windowBits: 15 });
  return end === -1 ? message.length : end;
}

function messagesOf(size: number): Uint8Array[] {
  return Array.from({ length: VARIETY }, (_, seed) => jsonOf(size, seed));
}

export const threshold: Choice = {
  constant: "THRESHOLD_ALONE, src/message/permessage.ts",
  unit: "a message",
  size: "bytes of JSON",
  sizes: [32, 64, 128, 192, 256, 512, 1024],
  implementations: {
    "deflate": (size) => {
      const messages = messagesOf(size);
      let next = 0;
      return repeated(REPEAT, () => void compress(messages[next++ % VARIETY]!));
    },
  },
  units: REPEAT,
  facts: {
    "% left": (size) => {
      const left = messagesOf(size).reduce((sum, message) => sum + compress(message), 0);
      return 100 * left / (VARIETY * size);
    },
  },
};
