// Masking (RFC 6455 5.3). A key is a 32-bit integer with the first byte on the wire lowest.

/**
 * From this many bytes, masking by 32-bit words is worth a view on JavaScriptCore; on V8 from about
 * 100 (bench/micro/mask.ts).
 */
export const WORD_THRESHOLD = 192;

/** In memory with several frames the view is created once, so words pay off from this size. */
export const SHARED_WORD_THRESHOLD = 32;

/** The minimum size of such memory. */
export const SHARED_SIZE = 1024;

/**
 * From this many bytes, WebAssembly SIMD is faster than words despite copying the payload twice; at
 * 16 KiB it takes 0.3 (Node) to 0.5 of the time.
 */
export const SIMD_THRESHOLD = 2048;

/**
 * From this many bytes and this many frames of equal size on, WebAssembly SIMD masks all frames of a
 * chunk in less time than words mask them one by one: 14 ns instead of 37 for each of 32 messages of
 * 128 bytes.
 */
export const FRAMES_SIZE = 1024;
export const FRAMES_COUNT = 8;

const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/**
 * Reads the four bytes of a mask key at `offset`.
 *
 * @example
 * ```ts
 * import { readMaskKey } from "@quickws/quickws/core";
 *
 * console.log(readMaskKey(Uint8Array.of(0x37, 0xfa, 0x21, 0x3d), 0).toString(16)); // 3d21fa37
 * ```
 *
 * @category Frames
 */
export function readMaskKey(bytes: Uint8Array, offset: number): number {
  return bytes[offset] | bytes[offset + 1] << 8 | bytes[offset + 2] << 16 | bytes[offset + 3] << 24;
}

/**
 * Writes the four bytes of a mask key at `offset`.
 *
 * @example
 * ```ts
 * import { writeMaskKey } from "@quickws/quickws/core";
 *
 * const key = new Uint8Array(4);
 * writeMaskKey(key, 0, 0x3d21fa37);
 * console.log(key); // Uint8Array(4) [55, 250, 33, 61]
 * ```
 *
 * @category Frames
 */
export function writeMaskKey(bytes: Uint8Array, offset: number, key: number): void {
  bytes[offset] = key;
  bytes[offset + 1] = key >>> 8;
  bytes[offset + 2] = key >>> 16;
  bytes[offset + 3] = key >>> 24;
}

/**
 * Rotates the key for a piece that begins `count` bytes into the payload.
 *
 * @example
 * ```ts
 * import { applyMask, rotateMaskKey } from "@quickws/quickws/core";
 *
 * const payload = new TextEncoder().encode("hello");
 * applyMask(payload, 0, 2, 0x3d21fa37);
 * applyMask(payload, 2, 5, rotateMaskKey(0x3d21fa37, 2));
 * applyMask(payload, 0, 5, 0x3d21fa37); // Masked in two pieces, unmasked in one.
 * console.log(new TextDecoder().decode(payload)); // hello
 * ```
 *
 * @category Frames
 */
export function rotateMaskKey(key: number, count: number): number {
  const shift = (count & 3) << 3;
  return shift === 0 ? key : key >>> shift | key << 32 - shift;
}

/**
 * Masks or unmasks `bytes[start..end)` in place; both are the same operation (RFC 6455 section
 * 5.3).
 *
 * @param bytes The memory of the payload.
 * @param start The start of the payload.
 * @param end The end of the payload.
 * @param key The mask key; see {@linkcode readMaskKey}.
 *
 * @example
 * ```ts
 * import { applyMask } from "@quickws/quickws/core";
 *
 * // The example of RFC 6455 section 5.7.
 * const payload = new TextEncoder().encode("Hello");
 * applyMask(payload, 0, 5, 0x3d21fa37);
 * console.log(payload); // Uint8Array(5) [127, 159, 77, 81, 88]
 * ```
 *
 * @category Frames
 */
export function applyMask(bytes: Uint8Array, start: number, end: number, key: number): void {
  const size = end - start;
  if (size >= SIMD_THRESHOLD && LITTLE_ENDIAN) return maskMany(bytes, start, end, key);
  const threshold = bytes.length < SHARED_SIZE ? WORD_THRESHOLD : SHARED_WORD_THRESHOLD;
  if (LITTLE_ENDIAN && size >= threshold) maskWords(bytes, start, end, key);
  else maskBytes(bytes, start, end, key);
}

/** Masks `bytes[start..end)` in place, like {@linkcode applyMask}. */
type Mask = (bytes: Uint8Array, start: number, end: number, key: number) => void;

/** Faster masks than those in JavaScript. */
export interface Masks {
  /** Masks a large payload. */
  readonly payload: Mask;
  /**
   * Masks the payloads of whole frames from `start` on, and returns the end of the last one. It may
   * end earlier than necessary, and does not check the frames.
   */
  frames(bytes: Uint8Array, start: number, end: number): number;
}

/** Masks large payloads: by words, unless a faster function was set. */
let maskMany: Mask = maskWords;

/** Masks short frames; without a faster function, none. */
let maskShort: Masks["frames"] = (_, start) => start;

/**
 * Sets faster masks, from outside the pure core.
 *
 * @param find Returns them, or `undefined` without any. Called when they are first needed.
 */
export function maskWith(find: () => Masks | undefined): void {
  const setMasks = (): void => {
    const masks = find();
    maskMany = masks?.payload ?? maskWords;
    maskShort = masks?.frames ?? ((_, start) => start);
  };
  maskMany = (bytes, start, end, key) => {
    setMasks();
    maskMany(bytes, start, end, key);
  };
  maskShort = (bytes, start, end) => {
    setMasks();
    return maskShort(bytes, start, end);
  };
}

/**
 * Unmasks the first of several short frames in `bytes[start..end)` together, if that is faster than
 * one after the other.
 *
 * @param first The size of the first frame, with its header.
 * @returns The end of the last frame that is unmasked, or `start`.
 */
export function maskFrames(bytes: Uint8Array, start: number, end: number, first: number): number {
  const size = end - start;
  return size >= FRAMES_SIZE && size >= first * FRAMES_COUNT ? maskShort(bytes, start, end) : start;
}

/** Masks the frames in `bytes[start..end)` again that {@linkcode maskFrames} has unmasked. */
export function maskAgain(bytes: Uint8Array, start: number, end: number): void {
  let at = start;
  let before = -1;
  // It does not advance if the receiver of a message has overwritten headers behind it.
  while (at < end && at !== before) {
    before = at;
    at = maskShort(bytes, at, end);
  }
}

/** The memory last masked by words, kept alive until the next one, and its words. */
let viewed: Uint8Array | undefined;
let words: Int32Array = new Int32Array(0);
/** The index of the first aligned word in `viewed`. */
let wordsStart = 0;

function viewWords(bytes: Uint8Array): void {
  viewed = bytes;
  wordsStart = -bytes.byteOffset & 3;
  words = new Int32Array(
    bytes.buffer,
    bytes.byteOffset + wordsStart,
    bytes.length - wordsStart >>> 2,
  );
}

function maskBytes(bytes: Uint8Array, start: number, end: number, key: number): void {
  const key1 = key >>> 8;
  const key2 = key >>> 16;
  const key3 = key >>> 24;
  const wholeEnd = start + (end - start & ~3);
  let at = start;
  for (; at < wholeEnd; at += 4) {
    bytes[at] ^= key;
    bytes[at + 1] ^= key1;
    bytes[at + 2] ^= key2;
    bytes[at + 3] ^= key3;
  }
  if (at < end) bytes[at] ^= key;
  if (at + 1 < end) bytes[at + 1] ^= key1;
  if (at + 2 < end) bytes[at + 2] ^= key2;
}

function maskWords(bytes: Uint8Array, start: number, end: number, key: number): void {
  if (bytes !== viewed) viewWords(bytes);
  // Not computed from `byteOffset`, which costs V8 as much as masking ten words.
  const head = wordsStart - start & 3;
  maskBytes(bytes, start, start + head, key);
  const wordKey = rotateMaskKey(key, head);
  const view = words;
  let i = start + head - wordsStart >>> 2;
  const wordsEnd = end - wordsStart >>> 2;
  // Eight words per iteration take 0.6 of the time of single words on V8, 0.8 on JavaScriptCore.
  for (const turnsEnd = wordsEnd - 7; i < turnsEnd; i += 8) {
    view[i] ^= wordKey;
    view[i + 1] ^= wordKey;
    view[i + 2] ^= wordKey;
    view[i + 3] ^= wordKey;
    view[i + 4] ^= wordKey;
    view[i + 5] ^= wordKey;
    view[i + 6] ^= wordKey;
    view[i + 7] ^= wordKey;
  }
  for (; i < wordsEnd; i++) view[i] ^= wordKey;
  // Whole words do not change the rotation of the key.
  maskBytes(bytes, wordsStart + (wordsEnd << 2), end, wordKey);
}
