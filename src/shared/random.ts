// Pooled strong random numbers (RFC 6455 5.3 and 10.3): one call of the runtime for many keys.

const POOL_WORDS = 1024;
const pool = new Int32Array(POOL_WORDS);
let used = POOL_WORDS;

/** A mask key: 32 random bits that are used once. */
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

/** A random identifier of this server: 16 bytes of 7 bits each. */
export function randomOrigin(): Uint8Array {
  return randomNonce().map((byte) => byte & 0x7f);
}
