/*
 * `Sec-WebSocket-Key` and `Sec-WebSocket-Accept` (RFC 6455 sections 1.3, 4.1 and 4.2.2), with SHA-1
 * and Base64.
 */

import { BASE64, CLASSES } from "./characters.ts";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const KEY_LENGTH = 24;
const KEY_WORDS = KEY_LENGTH / 4;

/** Characters of a `Sec-WebSocket-Accept`: 20 bytes in base64. */
export const ACCEPT_LENGTH = 28;

// The hashed text always has 24 + 36 characters. With the first padding bits it fills one block;
// the second block contains only padding and the length, is always the same, and is expanded once.
const guidWords: Int32Array = firstBlockTail();
const secondBlock: Int32Array = new Int32Array(80);
secondBlock[15] = (KEY_LENGTH + GUID.length) * 8;
expandSchedule(secondBlock);

// Fully overwritten by every call.
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
 * The four unused bits of the last character need not be zero: RFC 4648 3.5 leaves that to the
 * decoder, common servers do not check it, and the key is hashed as text, not decoded.
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
 * The `Sec-WebSocket-Key` for a nonce of 16 random bytes (RFC 6455 4.1).
 *
 * The caller provides the nonce, which must be cryptographically random (RFC 6455 10.3). Throws a
 * `RangeError` unless it has 16 bytes.
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
 * The `Sec-WebSocket-Accept` value for `key` (RFC 6455 4.2.2, item 5.4).
 *
 * Throws a `TypeError` for a key that {@linkcode isValidKey} rejects: check a peer's key first.
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

// Synchronous SHA-1 (RFC 3174) without a runtime's crypto API. The opening handshake uses it to
// prove that both ends support WebSocket; it protects no secret (RFC 6455 section 10.8).

/** The five initial words of a digest (RFC 3174 section 6.1). */
const INITIAL_STATE: Int32Array = new Int32Array([
  0x67452301,
  0xefcdab89,
  0x98badcfe,
  0x10325476,
  0xc3d2e1f0,
]);

// Shared, because each digest overwrites them entirely.
const sharedSchedule: Int32Array = new Int32Array(80);
const sharedState: Int32Array = new Int32Array(5);

/**
 * The 20-byte SHA-1 digest of `message`.
 */
export function sha1(message: Uint8Array): Uint8Array {
  // RFC 3174 section 4: a 1 bit, zeros, and the length in bits as a 64-bit number.
  const padded = new Uint8Array(((message.length + 8) >> 6 << 6) + 64);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(message.length / 0x20000000));
  view.setUint32(padded.length - 4, message.length << 3);

  sharedState.set(INITIAL_STATE);
  for (let block = 0; block < padded.length; block += 64) {
    for (let t = 0; t < 16; t++) sharedSchedule[t] = view.getInt32(block + 4 * t);
    expandSchedule(sharedSchedule);
    compress(sharedState, sharedSchedule);
  }
  const digest = new Uint8Array(20);
  storeDigest(sharedState, digest);
  return digest;
}

/** Fills words 16 to 79 of a schedule from its words 0 to 15 (RFC 3174 section 6.1, step b). */
function expandSchedule(schedule: Int32Array): void {
  for (let t = 16; t < 80; t++) {
    const word = schedule[t - 3] ^ schedule[t - 8] ^ schedule[t - 14] ^ schedule[t - 16];
    schedule[t] = (word << 1) | (word >>> 31);
  }
}

/** Adds one block, given as its schedule, to `state` (RFC 3174 section 6.1, steps c to e). */
function compress(state: Int32Array, schedule: Int32Array): void {
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  let t = 0;
  // RFC 3174 section 5: one function and one constant for each 20 rounds.
  for (; t < 20; t++) {
    const next = (((a << 5) | (a >>> 27)) + ((b & c) | (~b & d)) + e + schedule[t] + 0x5a827999) |
      0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  for (; t < 40; t++) {
    const next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + schedule[t] + 0x6ed9eba1) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  for (; t < 60; t++) {
    const next = (((a << 5) | (a >>> 27)) + ((b & c) | (b & d) | (c & d)) + e + schedule[t] -
      0x70e44324) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  for (; t < 80; t++) {
    const next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + schedule[t] - 0x359d3e2a) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
}

/** Writes the five words of `state` into the 20 bytes of `digest`, most significant byte first. */
function storeDigest(state: Int32Array, digest: Uint8Array): void {
  for (let i = 0; i < 5; i++) {
    const word = state[i];
    digest[4 * i] = word >>> 24;
    digest[4 * i + 1] = word >>> 16;
    digest[4 * i + 2] = word >>> 8;
    digest[4 * i + 3] = word;
  }
}

// Base64 of short byte strings (RFC 4648 section 4).

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PADDING = 0x3d;

const codes: Uint8Array = new Uint8Array(64);
for (let i = 0; i < 64; i++) codes[i] = ALPHABET.charCodeAt(i);

/**
 * The base64 text of `bytes`, padded.
 */
export function encodeBase64(bytes: Uint8Array): string {
  const characters = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  writeBase64(bytes, characters, 0);
  let text = "";
  for (let i = 0; i < characters.length; i++) text += String.fromCharCode(characters[i]);
  return text;
}

/** Writes the base64 characters of `bytes` into `target` from `offset` on. */
export function writeBase64(bytes: Uint8Array, target: Uint8Array, offset: number): void {
  let at = offset;
  let i = 0;
  for (; i + 2 < bytes.length; i += 3) {
    const group = (bytes[i] << 16) | (bytes[i + 1] << 8) | bytes[i + 2];
    target[at++] = codes[group >> 18];
    target[at++] = codes[(group >> 12) & 63];
    target[at++] = codes[(group >> 6) & 63];
    target[at++] = codes[group & 63];
  }
  const left = bytes.length - i;
  if (left === 0) return;
  const group = (bytes[i] << 16) | (left === 2 ? bytes[i + 1] << 8 : 0);
  target[at++] = codes[group >> 18];
  target[at++] = codes[(group >> 12) & 63];
  target[at++] = left === 2 ? codes[(group >> 6) & 63] : PADDING;
  target[at] = PADDING;
}
