// Masking (RFC 6455 5.3), the only XOR of payloads in the library.
// A key is one 32-bit integer, its first byte on the wire the lowest, as `readMaskKey` reads it.

/**
 * From this many bytes on, masking by 32-bit words is worth the view it needs on JavaScriptCore too;
 * on V8 it is from some 100 on (bench/micro/mask.ts).
 */
export const WORD_THRESHOLD = 192;

const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** Reads the four bytes of a mask key at `offset`. */
export function readMaskKey(bytes: Uint8Array, offset: number): number {
  return bytes[offset] | bytes[offset + 1] << 8 | bytes[offset + 2] << 16 | bytes[offset + 3] << 24;
}

/** Writes the four bytes of a mask key at `offset`. */
export function writeMaskKey(bytes: Uint8Array, offset: number, key: number): void {
  bytes[offset] = key;
  bytes[offset + 1] = key >>> 8;
  bytes[offset + 2] = key >>> 16;
  bytes[offset + 3] = key >>> 24;
}

/** The key as it applies to a piece of payload that begins `count` bytes after the payload's start. */
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
  // Eight words a turn take 0.6 of the time of one a turn on V8, 0.8 on JavaScriptCore.
  const turnsEnd = count & ~7;
  let i = 0;
  for (; i < turnsEnd; i += 8) {
    words[i] ^= wordKey;
    words[i + 1] ^= wordKey;
    words[i + 2] ^= wordKey;
    words[i + 3] ^= wordKey;
    words[i + 4] ^= wordKey;
    words[i + 5] ^= wordKey;
    words[i + 6] ^= wordKey;
    words[i + 7] ^= wordKey;
  }
  for (; i < count; i++) words[i] ^= wordKey;
  // A whole number of words later the key stands as it stood at the first of them.
  maskBytes(bytes, wordStart + (count << 2), end, wordKey);
}
