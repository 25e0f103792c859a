// Masking (RFC 6455 5.3), the only XOR of payloads in the library.
// A key is one 32-bit integer, its first byte on the wire the lowest, as `readMaskKey` reads it.

/**
 * From this many bytes on, masking by 32-bit words is worth the view it needs; below it, single bytes
 * are faster, on V8 and far more so on JavaScriptCore (bench/micro/mask.ts).
 */
export const WORD_THRESHOLD = 256;

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
 */
export function writeMaskKey(bytes: Uint8Array, offset: number, key: number): void {
  bytes[offset] = key;
  bytes[offset + 1] = key >>> 8;
  bytes[offset + 2] = key >>> 16;
  bytes[offset + 3] = key >>> 24;
}

/**
 * The key as it applies to a piece of payload that begins `count` bytes after the payload's start.
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
 */
export function applyMask(bytes: Uint8Array, start: number, end: number, key: number): void {
  if (LITTLE_ENDIAN && end - start >= WORD_THRESHOLD) maskWords(bytes, start, end, key);
  else maskBytes(bytes, start, end, key);
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
  const head = -(bytes.byteOffset + start) & 3;
  maskBytes(bytes, start, start + head, key);
  const wordStart = start + head;
  const count = end - wordStart >>> 2;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + wordStart, count);
  const wordKey = rotateMaskKey(key, head);
  for (let i = 0; i < count; i++) words[i] ^= wordKey;
  // A whole number of words later the key stands as it stood at the first of them.
  maskBytes(bytes, wordStart + (count << 2), end, wordKey);
}
