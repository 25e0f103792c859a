// Pooled cryptographic random numbers (RFC 6455 5.3 and 10.3): one runtime call for many keys.

const POOL_WORDS = 1024;
const pool = new Int32Array(POOL_WORDS);
let used = POOL_WORDS;

/** Returns a mask key: 32 random bits, used once. */
export function randomMask(): number {
  if (used === POOL_WORDS) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  return pool[used++];
}

/** The 16 random bytes of a `Sec-WebSocket-Key` (RFC 6455 section 4.1). */
export function randomNonce(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(16));
}

/** A random server identifier: 16 bytes of 7 bits each. */
export function randomOrigin(): Uint8Array {
  return randomNonce().map((byte) => byte & 0x7f);
}
