// The conversion of the argument of `send`.

import { usvString } from "./webidl.ts";

/** A message to send, after its conversion. */
export type OutgoingData = string | Uint8Array<ArrayBuffer> | Blob;

/**
 * Converts to `(BufferSource or Blob or USVString)`. Buffers of other realms are accepted, such
 * as those of a test runner. A detached buffer holds no bytes.
 *
 * @throws {TypeError} When the data is in shared or resizable memory, or a symbol.
 */
export function messageData(data: unknown): OutgoingData {
  if (ArrayBuffer.isView(data)) {
    return bytesOf(data.buffer, data.byteOffset, data.byteLength);
  }
  const tag = Object.prototype.toString.call(data);
  if (tag === "[object ArrayBuffer]" || tag === "[object SharedArrayBuffer]") {
    const buffer = data as ArrayBufferLike;
    return bytesOf(buffer, 0, buffer.byteLength);
  }
  return isBlob(data) ? data : usvString(data);
}

/** The bytes of a message's payload. */
export function messageSize(data: OutgoingData): number {
  if (typeof data === "string") return utf8Length(data);
  return isBlob(data) ? data.size : data.length;
}

/** Whether a value is a `Blob` or a `File`, of any realm. */
export function isBlob(value: unknown): value is Blob {
  if (value instanceof Blob) return true;
  const isTagged = /^\[object (Blob|File)\]$/.test(Object.prototype.toString.call(value));
  return isTagged && typeof (value as Partial<Blob>).arrayBuffer === "function";
}

function bytesOf(buffer: ArrayBufferLike, offset: number, length: number): Uint8Array<ArrayBuffer> {
  if (Object.prototype.toString.call(buffer) !== "[object ArrayBuffer]") {
    throw new TypeError("Cannot send: the data must not be in a SharedArrayBuffer; copy it first");
  }
  // Web IDL's types do not accept resizable buffers by default.
  if ((buffer as { resizable?: boolean }).resizable === true) {
    throw new TypeError("Cannot send: the buffer of the data must not be resizable; copy it first");
  }
  if (length === 0) return new Uint8Array(0);
  return new Uint8Array(buffer as ArrayBuffer, offset, length);
}

/** The bytes of a string as UTF-8, lone surrogates as U+FFFD. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    // Each half of a surrogate pair takes two of its four bytes; a lone one takes three.
    if (unit < 0x800) length += 1;
    else if (isLeadOfPair(text, index)) {
      length += 2;
      index++;
    } else length += 2;
  }
  return length;
}

function isLeadOfPair(text: string, index: number): boolean {
  return (text.charCodeAt(index) & 0xfc00) === 0xd800 &&
    (text.charCodeAt(index + 1) & 0xfc00) === 0xdc00;
}
