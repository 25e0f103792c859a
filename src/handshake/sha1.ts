/*
 * SHA-1 (RFC 3174), synchronous and without a runtime's crypto. The opening handshake uses it to
 * show that both ends speak WebSocket; nothing secret rests on it (RFC 6455 section 10.8).
 */

/** The five words that a digest starts from (RFC 3174 section 6.1). */
export const INITIAL_STATE: Int32Array = new Int32Array([
  0x67452301,
  0xefcdab89,
  0x98badcfe,
  0x10325476,
  0xc3d2e1f0,
]);

// Digests are computed one after the other and each overwrites these entirely, so they are shared.
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
export function expandSchedule(schedule: Int32Array): void {
  for (let t = 16; t < 80; t++) {
    const word = schedule[t - 3] ^ schedule[t - 8] ^ schedule[t - 14] ^ schedule[t - 16];
    schedule[t] = (word << 1) | (word >>> 31);
  }
}

/** Works one block, given as its schedule, into `state` (RFC 3174 section 6.1, steps c to e). */
export function compress(state: Int32Array, schedule: Int32Array): void {
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
export function storeDigest(state: Int32Array, digest: Uint8Array): void {
  for (let i = 0; i < 5; i++) {
    const word = state[i];
    digest[4 * i] = word >>> 24;
    digest[4 * i + 1] = word >>> 16;
    digest[4 * i + 2] = word >>> 8;
    digest[4 * i + 3] = word;
  }
}
