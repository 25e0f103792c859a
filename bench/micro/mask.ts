// The thresholds in src/wire/mask.ts: the minimum payload size for which masking 32-bit words is
// worth creating a view, with a view for each payload, and with one view for all payloads of a
// chunk.

import { applyMask } from "../../src/wire/mask.ts";
import { simdMask } from "../../src/connection/simd_mask.ts";
import { type Choice, repeated } from "./compare.ts";

const REPEAT = 100;
const KEY = 0x1f2e3d4c;
/** The payload's offset in a chunk, after a client's header: not aligned to a word. */
const START = 6;

function maskBytes(bytes: Uint8Array, start: number, end: number, key: number): void {
  const key1 = key >>> 8;
  const key2 = key >>> 16;
  const key3 = key >>> 24;
  const wholeEnd = start + (end - start & ~3);
  let at = start;
  for (; at < wholeEnd; at += 4) {
    bytes[at]! ^= key;
    bytes[at + 1]! ^= key1;
    bytes[at + 2]! ^= key2;
    bytes[at + 3]! ^= key3;
  }
  for (; at < end; at++) bytes[at]! ^= key >>> ((at - start & 3) << 3);
}

function xor(words: Int32Array, key: number): void {
  for (let index = 0; index < words.length; index++) words[index]! ^= key;
}

function xorUnrolled(words: Int32Array, key: number): void {
  const turnsEnd = words.length & ~7;
  let at = 0;
  for (; at < turnsEnd; at += 8) {
    words[at]! ^= key;
    words[at + 1]! ^= key;
    words[at + 2]! ^= key;
    words[at + 3]! ^= key;
    words[at + 4]! ^= key;
    words[at + 5]! ^= key;
    words[at + 6]! ^= key;
    words[at + 7]! ^= key;
  }
  for (; at < words.length; at++) words[at]! ^= key;
}

type Mask = typeof maskBytes;

/** Masks word by word through a view, and byte by byte before and after the words. */
function byWords(xor: (words: Int32Array, key: number) => void): Mask {
  return (bytes, start, end, key) => maskWords(bytes, start, end, key, xor);
}

function maskWords(
  bytes: Uint8Array,
  start: number,
  end: number,
  key: number,
  xor: (words: Int32Array, key: number) => void,
): void {
  const head = -(bytes.byteOffset + start) & 3;
  maskBytes(bytes, start, start + head, key);
  const wordStart = start + head;
  const count = end - wordStart >>> 2;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + wordStart, count);
  const shift = head << 3;
  const wordKey = shift === 0 ? key : key >>> shift | key << 32 - shift;
  xor(words, wordKey);
  maskBytes(bytes, wordStart + (count << 2), end, wordKey);
}

/** Masks a new chunk each time, as from a transport that does not reuse its memory. */
function maskAtSize(mask: Mask): (size: number) => () => void {
  return (size) => {
    const memory = new Uint8Array(size + 2 * START);
    return repeated(REPEAT, () => mask(memory.subarray(0), START, START + size, KEY));
  };
}

export const masking: Choice = {
  constant: "WORD_THRESHOLD, src/wire/mask.ts",
  unit: "a payload",
  size: "bytes",
  sizes: [16, 32, 64, 128, 192, 256, 384, 512, 1024, 16384],
  implementations: {
    "single bytes": maskAtSize(maskBytes),
    "words": maskAtSize(byWords(xor)),
    "eight words a turn": maskAtSize(byWords(xorUnrolled)),
  },
  units: REPEAT,
};

/** Masks many payloads in one chunk, as with small messages. */
function inOneChunk(mask: Mask): (size: number) => () => void {
  return (size) => {
    const memory = new Uint8Array(REPEAT * (size + START));
    return () => {
      for (let at = START; at < memory.length; at += size + START) mask(memory, at, at + size, KEY);
    };
  };
}

export const maskingInOneChunk: Choice = {
  constant: "SHARED_WORD_THRESHOLD, src/wire/mask.ts",
  unit: "a payload",
  size: "bytes",
  sizes: [16, 24, 32, 48, 64, 128, 192],
  implementations: {
    "single bytes": inOneChunk(maskBytes),
    "words": inOneChunk(byWords(xor)),
    "library": inOneChunk(applyMask),
  },
  units: REPEAT,
};

const simd = simdMask();

/** Large payloads, for which SIMD is worth two copies. */
export const maskingLarge: Choice = {
  constant: "SIMD_THRESHOLD, src/wire/mask.ts",
  unit: "a payload",
  size: "bytes",
  sizes: [512, 1024, 2048, 4096, 16384, 65536],
  implementations: {
    "eight words a turn": maskAtSize(byWords(xorUnrolled)),
    ...(simd === undefined ? {} : { "SIMD": maskAtSize(simd.payload) }),
  },
  units: REPEAT,
};

/** All frames of a chunk at once, or one payload after another. */
export const maskingFrames: Choice = {
  constant: "FRAMES_SIZE, FRAMES_COUNT, src/wire/mask.ts",
  unit: "a chunk",
  size: "frames of 136 bytes",
  sizes: [1, 2, 4, 8, 16, 32, 60],
  implementations: {
    "one by one": (count) => {
      const chunk = new Uint8Array(136 * count);
      return repeated(REPEAT, () => {
        for (let at = 0; at < chunk.length; at += 136) applyMask(chunk, at + 8, at + 136, KEY);
      });
    },
    ...(simd === undefined ? {} : {
      "at once": (count: number) => {
        const chunk = new Uint8Array(136 * count);
        for (let at = 0; at < chunk.length; at += 136) chunk.set([0x82, 0xfe, 0, 128], at);
        return repeated(REPEAT, () => simd.frames(chunk, 0, chunk.length));
      },
    }),
  },
  units: REPEAT,
};
