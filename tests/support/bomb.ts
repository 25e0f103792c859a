// A small compressed message with a very large decompressed size.

import { constants, deflateRawSync } from "node:zlib";

/** The decompressed size of a {@linkcode bomb}, in bytes. */
export const BOMB_SIZE = 1 << 30;

/** Bytes of zeros that are compressed together. */
const PART = 1 << 24;

let made: Uint8Array | undefined;

/** 1 GiB of zeros in 1 MiB, in independent parts. */
export function bomb(): Uint8Array {
  if (made === undefined) {
    const part = deflateRawSync(new Uint8Array(PART), { finishFlush: constants.Z_FULL_FLUSH });
    made = new Uint8Array(part.length * (BOMB_SIZE / PART));
    for (let at = 0; at < made.length; at += part.length) made.set(part, at);
  }
  // RFC 7692 7.2.1: the tail of the last flush is left out.
  return made.subarray(0, -4);
}
