// What a published message is on its way through an engine: who published it, and how.
//
//   0       version: 1
//   1       1 for text, 2 for binary
//   2       the policy for slow receivers, by its place in the list of them
//   3..5    bytes of the key, as 16 bits in network order
//   5..21   the server that published it
//   21..27  how many that server had published before, as 48 bits in network order
//   27..31  the connection of that server that does not get it, as 32 bits; 0 for none
//   31...   the key in UTF-8, then the payload

const VERSION = 1;
const TEXT = 1;
const BINARY = 2;
const POLICIES = ["queue", "drop", "conflate", "close"] as const;
const ORIGIN_START = 5;

/** Bytes that tell servers apart. */
export const ORIGIN_BYTES = 16;

const COUNT_START = ORIGIN_START + ORIGIN_BYTES;
const EXCEPT_START = COUNT_START + 6;
const KEY_START = EXCEPT_START + 4;
const TWO_TO_32 = 0x100000000;

/** The bytes of UTF-8 that a key may have. */
export const MAX_KEY_BYTES = 0xffff;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A published message. */
export interface Envelope {
  /** The server that published it: {@linkcode ORIGIN_BYTES} of chance. */
  readonly origin: Uint8Array;
  /** How many that server had published before: less than 2^48. */
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
  bytes[3] = keyBytes.length >>> 8;
  bytes[4] = keyBytes.length & 0xff;
  bytes.set(origin, ORIGIN_START);
  const view = new DataView(bytes.buffer);
  view.setUint16(COUNT_START, Math.floor(count / TWO_TO_32));
  view.setUint32(COUNT_START + 2, count % TWO_TO_32);
  view.setUint32(EXCEPT_START, except);
  bytes.set(keyBytes, KEY_START);
  bytes.set(payload, KEY_START + keyBytes.length);
  return bytes;
}

/** What {@linkcode writeEnvelope} has written, in views of it; `undefined` where it is anything else. */
export function readEnvelope(bytes: Uint8Array): Envelope | undefined {
  if (bytes.length < KEY_START || bytes[0] !== VERSION) return undefined;
  const [, kind, policy, high, low] = bytes;
  const payloadStart = KEY_START + (high << 8 | low);
  if (payloadStart > bytes.length || policy >= POLICIES.length) return undefined;
  if (kind !== TEXT && kind !== BINARY) return undefined;
  const payload = bytes.subarray(payloadStart);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  try {
    const key = decoder.decode(bytes.subarray(KEY_START, payloadStart));
    // Text that is none would be told by every receiver, to the harm of its connection.
    if (kind === TEXT) decoder.decode(payload);
    return {
      origin: bytes.subarray(ORIGIN_START, COUNT_START),
      count: view.getUint16(COUNT_START) * TWO_TO_32 + view.getUint32(COUNT_START + 2),
      except: view.getUint32(EXCEPT_START),
      isText: kind === TEXT,
      onSlow: POLICIES[policy],
      key,
      payload,
    };
  } catch {
    return undefined;
  }
}
