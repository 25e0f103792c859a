/*
 * The first bytes of the body of an answer that refused the handshake, to show the user what the
 * server had to say. Where the body ends is told by RFC 9112 6.3.
 */

import type { HeaderFields } from "./header_fields.ts";

/**
 * Bytes of a refusal's body that are kept and given to the user.
 *
 * @category Handshake
 */
export const MAX_BODY_START = 1024;

/** Bytes of chunk sizes, extensions and line ends after which a chunked body is given up. */
const MAX_CHUNK_OVERHEAD = 4096;

/** The part of a chunked body that the next byte belongs to (RFC 9112 7.1). */
const State = { Size: 0, Extension: 1, Data: 2, DataEnd: 3 } as const;

/** Gathers the start of one body; it is complete at its end or at {@linkcode MAX_BODY_START}. */
export class BodyStart {
  #bytes: Uint8Array = new Uint8Array(MAX_BODY_START);
  #length = 0;
  #complete = false;
  #chunked = false;
  #state: number = State.Size;
  #overhead = 0;
  /** Bytes still to come: of the body, or of the chunk. */
  #remaining = Infinity;

  /**
   * Makes an empty start that waits for the body's first bytes.
   *
   * @param status The answer's status code.
   * @param fields The answer's header fields, which tell how long the body is.
   */
  constructor(status: number, fields: HeaderFields) {
    const lengths = fields.getAll("content-length");
    if (status === 204 || status === 304) this.#remaining = 0;
    else if (fields.has("transfer-encoding")) {
      this.#chunked = fields.hasToken("transfer-encoding", "chunked");
      if (this.#chunked) this.#remaining = 0;
    } else if (lengths.length > 0) {
      // A length that cannot be told leaves no body that could be shown.
      this.#remaining = lengths.length === 1 ? decimal(lengths[0]) : 0;
    }
    this.#complete = !this.#chunked && this.#remaining === 0;
  }

  /** Takes the next bytes, and returns `true` once no more are wanted. */
  push(chunk: Uint8Array): boolean {
    let i = 0;
    while (!this.#complete && i < chunk.length) {
      if (!this.#chunked || this.#state === State.Data) i += this.#take(chunk, i);
      else this.#frame(chunk[i++]);
    }
    return this.#complete;
  }

  /** The bytes so far, as text, without an incomplete character at the end. */
  text(): string {
    const bytes = this.#bytes.subarray(0, this.#length);
    return new TextDecoder().decode(bytes, { stream: true });
  }

  #take(chunk: Uint8Array, start: number): number {
    const room = MAX_BODY_START - this.#length;
    const count = Math.min(chunk.length - start, this.#remaining, room);
    this.#bytes.set(chunk.subarray(start, start + count), this.#length);
    this.#length += count;
    this.#remaining -= count;
    if (this.#length === MAX_BODY_START) this.#complete = true;
    else if (this.#remaining === 0) {
      if (this.#chunked) this.#state = State.DataEnd;
      else this.#complete = true;
    }
    return count;
  }

  /** One byte between the data of two chunks. What makes no sense ends the body: it is a courtesy. */
  #frame(byte: number): void {
    if (++this.#overhead > MAX_CHUNK_OVERHEAD) this.#complete = true;
    if (byte === 0x0a) {
      if (this.#state === State.DataEnd) this.#state = State.Size;
      else if (this.#remaining > 0) this.#state = State.Data;
      else this.#complete = true;
      return;
    }
    if (this.#state !== State.Size || byte === 0x0d) return;
    const digit = hexDigit(byte);
    if (digit === -1) this.#state = State.Extension;
    else this.#remaining = Math.min(this.#remaining * 16 + digit, Number.MAX_SAFE_INTEGER);
  }
}

function decimal(text: string): number {
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return 0;
    value = Math.min(value * 10 + digit, Number.MAX_SAFE_INTEGER);
  }
  return value;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
}
