// Messages as text, because Bun's client carries nothing else: as they are where they are UTF-8, and
// in base64 behind a sign where they are not.

import { isTextEnvelope } from "../../pubsub/envelope.ts";

/** Stands before base64; no message of text begins with it. */
const BASE64_SIGN = "=";

/** Stands before the numbers of a message of a history, as in `#8,7:`. */
const NUMBER_SIGN = "#";

/** The most characters of the numbers and what stands around them. */
const MAX_NUMBERS = 40;

/** The most bytes that are spread into the arguments of one call. */
const SPREAD = 8192;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes that newer runtimes turn into base64 by themselves. */
interface NativeBase64 {
  toBase64?(): string;
}

interface NativeBase64Constructor {
  fromBase64?(text: string): Uint8Array;
}

/** A message, and its numbers where it is one of a history. */
export interface ReceivedMessage {
  /** The message. */
  readonly message: Uint8Array;
  /** Its number. */
  readonly number?: number;
  /** The number of the message before it. */
  readonly previous?: number;
}

/** The message as text. */
export function messageText(message: Uint8Array): string {
  return isTextEnvelope(message) ? decoder.decode(message) : BASE64_SIGN + toBase64(message);
}

/** The message that a text, or the UTF-8 of one, stands for; `undefined` where it stands for none. */
export function textMessage(text: string | Uint8Array): Uint8Array | undefined {
  if (typeof text !== "string") {
    if (text[0] !== BASE64_SIGN.charCodeAt(0)) {
      // A plain view, which Node's Buffer is not.
      return new Uint8Array(text.buffer, text.byteOffset, text.byteLength);
    }
    text = latin1(text);
  } else if (!text.startsWith(BASE64_SIGN)) return encoder.encode(text);
  return fromBase64(text.slice(1));
}

/** What stands on a channel; `undefined` where it is nothing of ours. */
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

/** A character for each byte. */
function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += SPREAD) {
    text += String.fromCharCode(...bytes.subarray(i, i + SPREAD));
  }
  return text;
}
