// Encodes messages as text, because Bun's client supports nothing else: UTF-8 is unchanged, other
// bytes become base64 with a prefix.

import { isTextEnvelope } from "../envelope.ts";

/** The prefix of base64; no text message starts with it. */
const BASE64_SIGN = "=";

/** The prefix of the sequence numbers of a stored message, as in `#8,7:`. */
const NUMBER_SIGN = "#";

/** The maximum number of characters of the sequence numbers with their separators. */
const MAX_NUMBERS = 40;

/** The maximum number of bytes to pass as arguments of one call. */
const SPREAD = 8192;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The base64 methods of newer runtimes. */
interface NativeBase64 {
  toBase64?(): string;
}

interface NativeBase64Constructor {
  fromBase64?(text: string): Uint8Array;
}

/** A message, with its sequence numbers if it is stored. */
export interface ReceivedMessage {
  /** The message. */
  readonly message: Uint8Array;
  /** The sequence number. */
  readonly number?: number;
  /** The sequence number of the previous message. */
  readonly previous?: number;
}

/** Encodes a message. */
export function messageText(message: Uint8Array): string {
  return isTextEnvelope(message) ? decoder.decode(message) : BASE64_SIGN + toBase64(message);
}

/** Decodes a message from text or its UTF-8; `undefined` if it is invalid. */
export function textMessage(text: string | Uint8Array): Uint8Array | undefined {
  if (typeof text !== "string") {
    if (text[0] !== BASE64_SIGN.charCodeAt(0)) {
      // A plain Uint8Array instead of Node's Buffer.
      return new Uint8Array(text.buffer, text.byteOffset, text.byteLength);
    }
    text = latin1(text);
  } else if (!text.startsWith(BASE64_SIGN)) return encoder.encode(text);
  return fromBase64(text.slice(1));
}

/** Decodes a message from a channel; `undefined` if it is invalid. */
export function receivedMessage(text: string | Uint8Array): ReceivedMessage | undefined {
  const isNumbered = text[0] === NUMBER_SIGN || text[0] === NUMBER_SIGN.charCodeAt(0);
  if (!isNumbered) {
    const message = textMessage(text);
    return message && { message };
  }
  const head = typeof text === "string"
    ? text.slice(1, MAX_NUMBERS)
    : latin1(text.subarray(1, MAX_NUMBERS));
  const end = head.indexOf(":");
  const [number, previous, ...others] = head.slice(0, end).split(",").map(Number);
  if (end < 0 || !isNumber(number) || !isNumber(previous) || others.length > 0) return undefined;
  const start = end + 2;
  const message = textMessage(
    typeof text === "string" ? text.slice(start) : text.subarray(start),
  );
  return message && { message, number, previous };
}

function isNumber(value: number | undefined): value is number {
  return Number.isSafeInteger(value) && value! >= 0;
}

function toBase64(bytes: Uint8Array & NativeBase64): string {
  return bytes.toBase64?.() ?? btoa(latin1(bytes));
}

function fromBase64(text: string): Uint8Array | undefined {
  const { fromBase64 } = Uint8Array as NativeBase64Constructor;
  try {
    if (fromBase64 !== undefined) return fromBase64.call(Uint8Array, text);
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
    return bytes;
  } catch {
    return undefined;
  }
}

/** Converts each byte to one character. */
function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += SPREAD) {
    // V8 needs a seventh of the time of a call with spread arguments.
    text += Reflect.apply(String.fromCharCode, undefined, bytes.subarray(i, i + SPREAD));
  }
  return text;
}
