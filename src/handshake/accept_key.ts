/*
 * The proof in the opening handshake that the server speaks WebSocket: the client's key, and the
 * value the server makes of it (RFC 6455 sections 1.3, 4.1 and 4.2.2).
 */

import { encodeBase64, writeBase64 } from "./base64.ts";
import { BASE64, CLASSES } from "./characters.ts";
import { compress, expandSchedule, INITIAL_STATE, storeDigest } from "./sha1.ts";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const KEY_LENGTH = 24;
const KEY_WORDS = KEY_LENGTH / 4;

/** Characters of a `Sec-WebSocket-Accept`: 20 bytes in base64. */
export const ACCEPT_LENGTH = 28;

// The hashed text is always 24 + 36 characters, so it fills its first block with the bit that pads
// it, and the second block is nothing but padding and the length: always the same, expanded once.
const guidWords: Int32Array = firstBlockTail();
const secondBlock: Int32Array = new Int32Array(80);
secondBlock[15] = (KEY_LENGTH + GUID.length) * 8;
expandSchedule(secondBlock);

// Written entirely by every call.
const firstBlock: Int32Array = new Int32Array(80);
const state: Int32Array = new Int32Array(5);
const digest: Uint8Array = new Uint8Array(20);

function firstBlockTail(): Int32Array {
  const words = new Int32Array(16 - KEY_WORDS);
  for (let i = 0; i < GUID.length / 4; i++) words[i] = wordAt(GUID, 4 * i);
  words[words.length - 1] = 0x80000000;
  return words;
}

function wordAt(text: string, index: number): number {
  return (text.charCodeAt(index) << 24) | (text.charCodeAt(index + 1) << 16) |
    (text.charCodeAt(index + 2) << 8) | text.charCodeAt(index + 3);
}

/**
 * Whether `key` is the base64 text of 16 bytes, as `Sec-WebSocket-Key` must be (RFC 6455 4.2.1).
 *
 * The four bits of the last character that belong to no byte need not be zero: RFC 4648 3.5 leaves
 * it to the decoder, no common server looks, and the key is hashed as text and never decoded.
 *
 * @example
 * ```ts
 * import { isValidKey } from "@quickws/quickws/core";
 *
 * console.log(isValidKey("dGhlIHNhbXBsZSBub25jZQ==")); // true
 * ```
 *
 * @category Handshake
 */
export function isValidKey(key: string): boolean {
  if (key.length !== KEY_LENGTH) return false;
  for (let i = 0; i < 22; i++) {
    if ((CLASSES[key.charCodeAt(i)] & BASE64) === 0) return false;
  }
  return key.charCodeAt(22) === 0x3d && key.charCodeAt(23) === 0x3d;
}

/**
 * The `Sec-WebSocket-Key` that is made of a nonce of 16 random bytes (RFC 6455 4.1).
 *
 * The nonce comes from the caller because it must be random in the cryptographic sense (RFC 6455
 * 10.3). Any other length than 16 bytes is a `RangeError`.
 *
 * @example
 * ```ts
 * import { encodeKey } from "@quickws/quickws/core";
 *
 * const key = encodeKey(crypto.getRandomValues(new Uint8Array(16)));
 * console.log(key.length); // 24
 * ```
 *
 * @category Handshake
 */
export function encodeKey(nonce: Uint8Array): string {
  if (nonce.length !== 16) {
    throw new RangeError(`The nonce has ${nonce.length} bytes: it must have 16`);
  }
  return encodeBase64(nonce);
}

/**
 * The `Sec-WebSocket-Accept` that answers `key` (RFC 6455 4.2.2, item 5.4).
 *
 * A key that {@linkcode isValidKey} refuses is a `TypeError`: look at a peer's key before.
 *
 * @example
 * ```ts
 * import { acceptKey } from "@quickws/quickws/core";
 *
 * console.log(acceptKey("dGhlIHNhbXBsZSBub25jZQ==")); // s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
 * ```
 *
 * @category Handshake
 */
export function acceptKey(key: string): string {
  digestKey(key);
  return encodeBase64(digest);
}

/** Writes the 28 characters of {@linkcode acceptKey} into `target` from `offset` on. */
export function writeAcceptKey(key: string, target: Uint8Array, offset: number): void {
  digestKey(key);
  writeBase64(digest, target, offset);
}

function digestKey(key: string): void {
  if (!isValidKey(key)) throw new TypeError("The key is not the base64 text of 16 bytes");
  for (let i = 0; i < KEY_WORDS; i++) firstBlock[i] = wordAt(key, 4 * i);
  firstBlock.set(guidWords, KEY_WORDS);
  expandSchedule(firstBlock);
  state.set(INITIAL_STATE);
  compress(state, firstBlock);
  compress(state, secondBlock);
  storeDigest(state, digest);
}
