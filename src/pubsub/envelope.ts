// What a published message is on its way through an engine: who published it, and how.
//
//   0       version: 1
//   1       1 for text, 2 for binary
//   2       the policy for slow receivers, by its place in the list of them
//   3..6    bytes of the key
//   6..22   the server that published it
//   22..29  how many that server had published before
//   29..34  the connection of that server that does not get it; 0 for none
//   34...   the key in UTF-8, then the payload
//
// Before the key each byte has 7 bits, the highest of a number first, and so is ASCII: with a payload
// that is text the whole is text. Some engines, or their clients, carry nothing else.

const VERSION = 1;
const TEXT = 1;
const BINARY = 2;
const POLICIES = ["queue", "drop", "conflate", "close"] as const;
const KEY_LENGTH_START = 3;
const ORIGIN_START = 6;

/** Bytes that tell servers apart, each below 128. */
export const ORIGIN_BYTES = 16;

const COUNT_START = ORIGIN_START + ORIGIN_BYTES;
const EXCEPT_START = COUNT_START + 7;
const KEY_START = EXCEPT_START + 5;

/** The bytes of UTF-8 that a key may have. */
export const MAX_KEY_BYTES = 0xffff;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A published message. */
export interface Envelope {
  /** The server that published it: {@linkcode ORIGIN_BYTES} bytes, 7 bits of chance in each. */
  readonly origin: Uint8Array;
  /** How many that server had published before: less than 2^49. */
  readonly count: number;
  /** The connection of that server that does not get it, by its number there; 0 for none. */
  readonly except: number;
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
export function writeEnvelope(envelope: Envelope): Uint8Array {
  const { origin, count, except, isText, onSlow, key, payload } = envelope;
  const keyBytes = encoder.encode(key);
  const bytes = new Uint8Array(KEY_START + keyBytes.length + payload.length);
  bytes[0] = VERSION;
  bytes[1] = isText ? TEXT : BINARY;
  bytes[2] = POLICIES.indexOf(onSlow);
  writeNumber(bytes, KEY_LENGTH_START, ORIGIN_START, keyBytes.length);
  bytes.set(origin, ORIGIN_START);
  writeNumber(bytes, COUNT_START, EXCEPT_START, count);
  writeNumber(bytes, EXCEPT_START, KEY_START, except);
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
  const [, kind, policy] = bytes;
  const payloadStart = KEY_START + readNumber(bytes, KEY_LENGTH_START, ORIGIN_START);
  if (payloadStart > bytes.length || policy >= POLICIES.length) return undefined;
  if (kind !== TEXT && kind !== BINARY) return undefined;
  const payload = bytes.subarray(payloadStart);
  try {
    const key = decoder.decode(bytes.subarray(KEY_START, payloadStart));
    // Text that is none would be told by every receiver, to the harm of its connection.
    if (kind === TEXT) decoder.decode(payload);
    return {
      origin: bytes.subarray(ORIGIN_START, COUNT_START),
      count: readNumber(bytes, COUNT_START, EXCEPT_START),
      except: readNumber(bytes, EXCEPT_START, KEY_START),
      isText: kind === TEXT,
      onSlow: POLICIES[policy],
      key,
      payload,
    };
  } catch {
    return undefined;
  }
}

function writeNumber(bytes: Uint8Array, start: number, end: number, value: number): void {
  for (let i = end - 1; i >= start; i--) {
    bytes[i] = value % 128;
    value = Math.floor(value / 128);
  }
}

function readNumber(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; i++) value = value * 128 + (bytes[i] & 0x7f);
  return value;
}
