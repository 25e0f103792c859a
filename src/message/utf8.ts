// UTF-8 of text messages (RFC 6455 8.1, RFC 3629): decoding, encoding, and incremental validation,
// so that invalid text is rejected at its first invalid byte.

import { InvalidPayloadError, MessageTooBigError } from "../errors.ts";
import { textMethods } from "../shared/text_methods.ts";
import { Views } from "../wire/views.ts";

/** Up to this many bytes, a loop decodes ASCII faster than `TextDecoder` (bench/micro/text.ts). */
const DECODE_LOOP_LIMIT = 12;

/**
 * Up to this many characters, a loop encodes ASCII faster than `TextEncoder` (bench/micro/text.ts).
 */
const ENCODE_LOOP_LIMIT = 32;

/**
 * The state of {@linkcode checkUtf8} between characters, where text may begin and end.
 *
 * @category Messages
 */
export const UTF8_COMPLETE = 0;

/**
 * The replacement character for invalid UTF-8. A decoder that throws instead takes more than twice
 * the time on Deno and no less elsewhere (bench/micro/text.ts).
 */
const REPLACEMENT = "\ufffd";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/** Up to this many bytes, the runtime's own method decodes faster (bench/micro/text.ts). */
const METHOD_LIMIT = 256;

/** Texts that are decoded, and memory for encoded ones. */
const received = new Views();
const targets = new Views();

function invalidUtf8(): InvalidPayloadError {
  return new InvalidPayloadError("INVALID_UTF8", "A text message is not UTF-8");
}

/**
 * Decodes `bytes[start..end)`. A byte order mark is kept as a character of the text.
 *
 * @throws {InvalidPayloadError} When the bytes are not UTF-8.
 * @throws {MessageTooBigError} When the text exceeds the runtime's maximum string length.
 *
 * @example
 * ```ts
 * import { decodeText } from "@quickws/quickws/core";
 *
 * console.log(decodeText(Uint8Array.of(0x68, 0x69), 0, 2)); // hi
 * ```
 *
 * @category Messages
 */
export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= DECODE_LOOP_LIMIT) {
    let text = "";
    let at = start;
    while (at < end && bytes[at] < 0x80) text += String.fromCharCode(bytes[at++]);
    if (at === end) return text;
  }
  let text: string;
  const { utf8Slice } = textMethods;
  try {
    text = utf8Slice !== undefined && end - start <= METHOD_LIMIT
      ? utf8Slice.call(bytes, start, end)
      : decoder.decode(received.of(bytes, start, end));
  } catch {
    // It never throws for invalid UTF-8, only for strings longer than the engine supports.
    throw new MessageTooBigError(
      `A text message of ${end - start} bytes is longer than a string can be on this runtime`,
    );
  }
  // The peer may have sent that character.
  if (text.includes(REPLACEMENT)) checkUtf8End(checkUtf8(UTF8_COMPLETE, bytes, start, end));
  return text;
}

/**
 * Encodes `text` into `target` at `offset`, which must have room for three bytes per UTF-16 unit. A
 * lone surrogate becomes U+FFFD.
 *
 * @returns The number of bytes written.
 *
 * @example
 * ```ts
 * import { encodeText } from "@quickws/quickws/core";
 *
 * const target = new Uint8Array(16);
 * const size = encodeText("hello", target, 2);
 * console.log(size, target.subarray(2, 2 + size)); // 5 Uint8Array(5) [104, 101, 108, 108, 111]
 * ```
 *
 * @category Messages
 */
export function encodeText(text: string, target: Uint8Array, offset: number): number {
  const length = text.length;
  if (length <= ENCODE_LOOP_LIMIT) {
    let i = 0;
    for (; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) break;
      target[offset + i] = unit;
    }
    if (i === length) return length;
  }
  const { utf8Write } = textMethods;
  if (utf8Write !== undefined) return utf8Write.call(target, text, offset, 3 * length);
  return encoder.encodeInto(text, targets.of(target, offset, target.length)).written;
}

/** Encodes `text` into separate memory; a lone surrogate becomes U+FFFD. */
export function encodeLongText(text: string): Uint8Array {
  return encoder.encode(text);
}

/**
 * Checks the next piece of a text.
 *
 * @param state The state after the previous piece; {@linkcode UTF8_COMPLETE} for the first.
 * @returns The state after this piece; the text may end if it is {@linkcode UTF8_COMPLETE}.
 * @throws {InvalidPayloadError} At the first invalid byte.
 *
 * @example
 * ```ts
 * import { checkUtf8, checkUtf8End, UTF8_COMPLETE } from "@quickws/quickws/core";
 *
 * const euro = Uint8Array.of(0xe2, 0x82, 0xac);
 * let state = checkUtf8(UTF8_COMPLETE, euro, 0, 1); // The pieces may end inside a character,
 * state = checkUtf8(state, euro, 1, 3);
 * checkUtf8End(state); // the whole may not.
 * ```
 *
 * @category Messages
 */
export function checkUtf8(state: number, bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end) {
    if (state === UTF8_COMPLETE) {
      while (at < end && bytes[at] < 0x80) at++;
      if (at < end) state = leadState(bytes[at++]);
    } else {
      state = continuationState(state, bytes[at++]);
    }
  }
  return state;
}

/**
 * Checks that a text may end in `state`.
 *
 * @throws {InvalidPayloadError} When it ends inside a character.
 *
 * @example
 * ```ts
 * import { checkUtf8, checkUtf8End, UTF8_COMPLETE } from "@quickws/quickws/core";
 *
 * try {
 *   checkUtf8End(checkUtf8(UTF8_COMPLETE, Uint8Array.of(0xe2, 0x82), 0, 2));
 * } catch (error) {
 *   console.log(String(error)); // InvalidPayloadError: A text message is not UTF-8
 * }
 * ```
 *
 * @category Messages
 */
export function checkUtf8End(state: number): void {
  if (state !== UTF8_COMPLETE) throw invalidUtf8();
}

// A state inside a character: the number of missing continuation bytes, and the range of the next
// one (RFC 3629 section 4 narrows the first after some lead bytes).
function inside(missing: number, low: number, high: number): number {
  return missing | low << 8 | high << 16;
}

function leadState(lead: number): number {
  if (lead >= 0xc2 && lead <= 0xdf) return inside(1, 0x80, 0xbf);
  // E0 80..9F would be overlong, ED A0..BF a surrogate.
  if (lead >= 0xe0 && lead <= 0xef) {
    return inside(2, lead === 0xe0 ? 0xa0 : 0x80, lead === 0xed ? 0x9f : 0xbf);
  }
  // F0 80..8F would be overlong, F4 90..BF beyond U+10FFFF.
  if (lead >= 0xf0 && lead <= 0xf4) {
    return inside(3, lead === 0xf0 ? 0x90 : 0x80, lead === 0xf4 ? 0x8f : 0xbf);
  }
  throw invalidUtf8();
}

function continuationState(state: number, byte: number): number {
  if (byte < (state >>> 8 & 0xff) || byte > state >>> 16) throw invalidUtf8();
  const missing = (state & 0xff) - 1;
  return missing === 0 ? UTF8_COMPLETE : inside(missing, 0x80, 0xbf);
}
