// What a published message is on its way through an engine: who published it, and how.
//
//   0       version: 1
//   1       1 for text, 2 for binary
//   2       the policy for slow receivers, by its place in the list of them
//   3..6    bytes of the key, 7 bits in each, the highest first
//   6..22   the server that published it, 7 bits in each
//   22...   the key in UTF-8, then the payload
//
// Before the key all bytes are ASCII, so that with a payload that is text the whole is text: some
// engines, or their clients, carry nothing else.

const VERSION = 1;
const TEXT = 1;
const BINARY = 2;
const POLICIES = ["queue", "drop", "conflate", "close"] as const;
const ORIGIN_START = 6;

/** Bytes that tell servers apart, each below 128. */
export const ORIGIN_BYTES = 16;

const KEY_START = ORIGIN_START + ORIGIN_BYTES;

/** The bytes of UTF-8 that a key may have. */
export const MAX_KEY_BYTES = 0xffff;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A published message. */
export interface Envelope {
  /** The server that published it: {@linkcode ORIGIN_BYTES} bytes, 7 bits of chance in each. */
  readonly origin: Uint8Array;
  /** Whether the payload is text. */
  readonly isText: boolean;
  /** What becomes of slow receivers. */
  readonly onSlow: typeof POLICIES[number];
  /** What the message is about. */
  readonly key: string;
  /** The message itself. */
  readonly payload: Uint8Array;
}

/** The bytes of a message; its key has at most {@linkcode MAX_KEY_BYTES}. */
export function writeEnvelope({ origin, isText, onSlow, key, payload }: Envelope): Uint8Array {
  const keyBytes = encoder.encode(key);
  const bytes = new Uint8Array(KEY_START + keyBytes.length + payload.length);
  bytes[0] = VERSION;
  bytes[1] = isText ? TEXT : BINARY;
  bytes[2] = POLICIES.indexOf(onSlow);
  bytes[3] = keyBytes.length >>> 14;
  bytes[4] = keyBytes.length >>> 7 & 0x7f;
  bytes[5] = keyBytes.length & 0x7f;
  bytes.set(origin, ORIGIN_START);
  bytes.set(keyBytes, KEY_START);
  bytes.set(payload, KEY_START + keyBytes.length);
  return bytes;
}

/** Whether a message that {@linkcode writeEnvelope} has written is UTF-8 from its first byte to its last. */
export function isTextEnvelope(bytes: Uint8Array): boolean {
  return bytes[0] === VERSION && bytes[1] === TEXT;
}

/** What {@linkcode writeEnvelope} has written, in views of it; `undefined` where it is anything else. */
export function readEnvelope(bytes: Uint8Array): Envelope | undefined {
  if (bytes.length < KEY_START || bytes[0] !== VERSION) return undefined;
  const [, kind, policy, high, middle, low] = bytes;
  const payloadStart = KEY_START + (high << 14 | middle << 7 | low);
  if (payloadStart > bytes.length || policy >= POLICIES.length) return undefined;
  if (kind !== TEXT && kind !== BINARY) return undefined;
  const payload = bytes.subarray(payloadStart);
  try {
    const key = decoder.decode(bytes.subarray(KEY_START, payloadStart));
    // Text that is none would be told by every receiver, to the harm of its connection.
    if (kind === TEXT) decoder.decode(payload);
    return {
      origin: bytes.subarray(ORIGIN_START, KEY_START),
      isText: kind === TEXT,
      onSlow: POLICIES[policy],
      key,
      payload,
    };
  } catch {
    return undefined;
  }
}
