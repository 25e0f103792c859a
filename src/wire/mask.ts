// Masking (RFC 6455 5.3), the only XOR of payloads in the library.
// A key is one 32-bit integer, its first byte on the wire the lowest, as `readMaskKey` reads it.

/**
 * From this many bytes on, masking by 32-bit words is worth a view on JavaScriptCore too; on V8
 * from some 100 on (bench/micro/mask.ts).
 */
export const WORD_THRESHOLD = 192;

/**
 * In memory with several frames the view is created once, so that words pay off from this size on.
 */
export const SHARED_WORD_THRESHOLD = 32;

/** The minimum size of memory with several such frames. */
export const SHARED_SIZE = 1024;

/**
 * From this many bytes on, WebAssembly SIMD is faster than words, although it copies the payload
 * twice; at 16 KiB it takes 0.3 (Node) to 0.5 of the time.
 */
export const SIMD_THRESHOLD = 2048;

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
 * The key, rotated for a piece of payload that begins `count` bytes after the payload's start.
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
 * Masks or unmasks `bytes[start..end)` in place; the two are the same (RFC 6455 section 5.3).
 *
 * @param bytes The memory that holds the payload.
 * @param start The offset of the payload's first byte.
 * @param end The offset behind its last byte.
 * @param key The mask key, see {@linkcode readMaskKey}.
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

/** Masks `bytes[start..end)` in place, as {@linkcode applyMask} does. */
export type Mask = (bytes: Uint8Array, start: number, end: number, key: number) => void;

/** Masks large payloads: by words, unless a faster function was set. */
let maskMany: Mask = maskWords;

/**
 * Sets a faster function for large payloads, from outside the pure core.
 *
 * @param find Returns it, or `undefined` without one. Called for the first large payload.
 */
export function maskLargeWith(find: () => Mask | undefined): void {
  maskMany = (bytes, start, end, key) => {
    maskMany = find() ?? maskWords;
    maskMany(bytes, start, end, key);
  };
}

/** The memory that was masked last by words, and its words. It is kept alive until the next one. */
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
  // Not from `byteOffset`, which costs V8 as much as masking ten words.
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
  // After a whole number of words the rotation of the key is the same.
  maskBytes(bytes, wordsStart + (wordsEnd << 2), end, wordKey);
}
