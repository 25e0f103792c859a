// Bytes that do not compress, in stored blocks (RFC 1951 3.2.4).

import { MAX_STORED, STORED_BLOCK } from "./tables.ts";

/** BFINAL, BTYPE and the fill bits in a byte, LEN and NLEN. */
const BLOCK_HEADER = 5;

/** How many bytes {@linkcode store} makes of `length` bytes. */
export function storedSize(length: number): number {
  return length + BLOCK_HEADER * Math.ceil(length / MAX_STORED) + 1;
}

/**
 * Writes `source[start..end)` as it is to `target[offset...]`, and returns where it ends there: with
 * the first byte of a sync flush, whose last four, `00 00 ff ff`, are left out.
 */
export function store(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  offset: number,
): number {
  let at = offset;
  for (let from = start; from < end; from += MAX_STORED) {
    const to = Math.min(from + MAX_STORED, end);
    const length = to - from;
    target[at] = STORED_BLOCK << 1;
    target[at + 1] = length;
    target[at + 2] = length >>> 8;
    target[at + 3] = ~length;
    target[at + 4] = ~length >>> 8;
    target.set(source.subarray(from, to), at + BLOCK_HEADER);
    at += BLOCK_HEADER + length;
  }
  target[at] = STORED_BLOCK << 1;
  return at + 1;
}
