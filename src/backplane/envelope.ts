// The binary form of a published message between servers:
//
//   0       version: 1
//   1       1 for text, 2 for binary
//   2       the policy for slow receivers, as its index
//   3..6    length of the key in bytes
//   6..22   the server that published it
//   22..29  how many messages that server had published before
//   29..34  the id of that server's connection to skip; 0 for none
//   34...   the key in UTF-8, then the payload
//
// The bytes before the key carry 7 bits each, most significant first, and so are ASCII: an envelope
// with text is text as a whole. Some brokers and clients transport only text.

const VERSION = 1;
const TEXT = 1;
const BINARY = 2;
const POLICIES = ["queue", "drop", "conflate", "close"] as const;
const KEY_LENGTH_START = 3;
const ORIGIN_START = 6;

/** Bytes that identify a server, each below 128. */
export const ORIGIN_BYTES = 16;

const COUNT_START = ORIGIN_START + ORIGIN_BYTES;
const EXCEPT_START = COUNT_START + 7;
const KEY_START = EXCEPT_START + 5;

/** The maximum size of a key in bytes of UTF-8, the same as for a topic. */
export const MAX_KEY_BYTES = 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A published message. */
export interface Envelope {
  /** The server that published it: {@linkcode ORIGIN_BYTES} bytes with 7 random bits each. */
  readonly origin: Uint8Array;
  /** How many messages that server had published before: less than 2^49. */
  readonly count: number;
  /** The id of the sender's connection to skip; 0 for none. */
  readonly except: number;
  /** Whether the payload is text. */
  readonly isText: boolean;
  /** The policy for slow receivers. */
  readonly onSlow: typeof POLICIES[number];
  /** The key for `onSlow: "conflate"`. */
  readonly key: string;
  /** The message. */
  readonly payload: Uint8Array;
}

/** Encodes a message; its key has at most {@linkcode MAX_KEY_BYTES}. */
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

/** Whether an envelope is UTF-8 as a whole. */
export function isTextEnvelope(bytes: Uint8Array): boolean {
  return bytes[0] === VERSION && bytes[1] === TEXT;
}

/** Decodes a message, with views of the bytes; `undefined` if it is invalid. */
export function readEnvelope(bytes: Uint8Array): Envelope | undefined {
  if (bytes.length < KEY_START || bytes[0] !== VERSION) return undefined;
  const [, kind, policy] = bytes;
  const keyLength = readNumber(bytes, KEY_LENGTH_START, ORIGIN_START);
  const payloadStart = KEY_START + keyLength;
  if (keyLength > MAX_KEY_BYTES || payloadStart > bytes.length) return undefined;
  if (policy >= POLICIES.length) return undefined;
  if (kind !== TEXT && kind !== BINARY) return undefined;
  const payload = bytes.subarray(payloadStart);
  try {
    const key = decoder.decode(bytes.subarray(KEY_START, payloadStart));
    // Invalid text would make every receiver fail its connection.
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

/** The greatest id; after it, ids start again from 1. */
const MAX_ID = 0xffffffff;

/** Assigns ids to receivers, so that an envelope can name the receiver to skip. */
export class ReceiverIds<R extends object> {
  readonly #ids: Map<R, number> = new Map();
  readonly #receivers: Map<number, R> = new Map();
  #last = 0;

  /** The id of a receiver, from 1, until it is forgotten. */
  of(receiver: R): number {
    const known = this.#ids.get(receiver);
    if (known !== undefined) return known;
    do {
      this.#last = this.#last === MAX_ID ? 1 : this.#last + 1;
    } while (this.#receivers.has(this.#last));
    this.#ids.set(receiver, this.#last);
    this.#receivers.set(this.#last, receiver);
    return this.#last;
  }

  /** The receiver with an id. */
  receiver(id: number): R | undefined {
    return this.#receivers.get(id);
  }

  /** A receiver has disconnected. */
  forget(receiver: R): void {
    const id = this.#ids.get(receiver);
    if (id === undefined) return;
    this.#ids.delete(receiver);
    this.#receivers.delete(id);
  }
}
