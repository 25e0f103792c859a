/*
 * Parses the head of an HTTP message (RFC 9112 sections 2 to 5): each byte is examined once,
 * however the input is split, and memory is bounded by the limits.
 */

import { HandshakeError } from "../errors.ts";
import { CLASSES, consistsOf, DIGIT, FIELD_TEXT, OBS_TEXT, TOKEN } from "./characters.ts";
import { HeaderFields, isStrictField } from "./header_fields.ts";

/**
 * The size limits of a head.
 *
 * @category Handshake
 */
export interface HeadLimits {
  /** The maximum size of the head in bytes, including the final empty line. Default: 16384. */
  maxBytes?: number;
  /** The maximum header field lines, excluding the start line. Default: 128. */
  maxLines?: number;
  /**
   * The maximum empty lines to ignore before the start line; they count toward `maxBytes`. RFC 9112
   * section 2.2: "A server that is expecting to receive and parse a request-line SHOULD ignore at
   * least one empty line (CRLF) received prior to the request-line." Default: 4 for a request, 0
   * otherwise.
   */
  maxEmptyLines?: number;
}

/**
 * The default of {@linkcode HeadLimits.maxBytes}.
 *
 * @category Handshake
 */
export const DEFAULT_MAX_HEAD_BYTES = 16384;
/**
 * The default of {@linkcode HeadLimits.maxLines}.
 *
 * @category Handshake
 */
export const DEFAULT_MAX_HEAD_LINES = 128;

const CR = 0x0d;
const LF = 0x0a;
const COLON = 0x3a;

/** The part of the head of the next byte. */
const State = {
  StartLine: 0,
  StartLineFeed: 1,
  FieldStart: 2,
  FieldName: 3,
  FieldValue: 4,
  FieldLineFeed: 5,
  EndLineFeed: 6,
  EmptyLineFeed: 7,
  Complete: 8,
} as const;

const EMPTY: Uint8Array = new Uint8Array(0);
const SMALLEST_BUFFER = 1024;
const decoder: TextDecoder = new TextDecoder();
/** The bytes allowed in a start line and a value. */
const TEXT = FIELD_TEXT | OBS_TEXT;
/** Bytes decoded per call. */
const DECODED_AT_ONCE = 4096;

/**
 * Reads one head, a request's or a response's, from chunks of any size.
 *
 * It is strict where disagreeing parsers have been exploited: lines end with CRLF only, and folded
 * fields, spaces before the colon and control characters are rejected. Bytes above 0x7F (obs-text)
 * are opaque, each one character; they are allowed in the start line and in values, but not in
 * those of `Host`, `Upgrade`, `Connection` and `Sec-WebSocket-*`. Empty lines before the start line
 * are ignored up to {@linkcode HeadLimits.maxEmptyLines}.
 *
 * A head in one chunk is parsed in place; otherwise its bytes are copied. Chunks are not kept after
 * {@linkcode HttpHeadReader.push}, except for {@linkcode HttpHeadReader.rest}. Chunks are not
 * modified.
 *
 * @example
 * ```ts
 * import { HttpHeadReader } from "@quickws/quickws/core";
 *
 * const reader = new HttpHeadReader({ maxBytes: 4096 });
 * const done = reader.push(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"));
 * if (done) console.log(reader.startLine, reader.fields.get("host")); // GET / HTTP/1.1 a.example
 * ```
 *
 * @category Handshake
 */
export class HttpHeadReader {
  #maxBytes: number;
  #maxLines: number;
  #maxEmptyLines: number;
  /** Empty lines read before the start line. */
  #emptyLines = 0;
  #state: number = State.StartLine;
  #startLineStart = 0;
  #startLineEnd = 0;
  /** Whether a byte above 0x7F was read. */
  #hasObsText = false;
  /** Field lines, including a partial one. */
  #lines = 0;
  /** The head's earlier chunks; the first `#length` bytes are valid. */
  #buffer: Uint8Array = EMPTY;
  #length = 0;
  #failure: HandshakeError | undefined;
  #startLine = "";
  #fields: HeaderFields | undefined;
  #rest: Uint8Array = EMPTY;

  /**
   * Creates a reader.
   *
   * @param limits The size limits. Throws a `RangeError` unless they are positive integers;
   * `maxEmptyLines` may be 0.
   */
  constructor(limits?: HeadLimits) {
    const { maxEmptyLines = 0 } = limits ?? {};
    this.#maxEmptyLines = maxEmptyLines === 0 ? 0 : positive("maxEmptyLines", maxEmptyLines);
    this.#maxBytes = positive("maxBytes", limits?.maxBytes ?? DEFAULT_MAX_HEAD_BYTES);
    this.#maxLines = positive("maxLines", limits?.maxLines ?? DEFAULT_MAX_HEAD_LINES);
  }

  /**
   * Takes the next bytes, and returns `true` once the head is complete.
   *
   * Throws a `HandshakeError`: `HEAD_TOO_LARGE` (status 431) over a limit, `HEAD_MALFORMED` (status
   * 400) at the first byte that violates the grammar; every later call throws it again.
   */
  push(chunk: Uint8Array): boolean {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#state === State.Complete) {
      throw new TypeError("The head is complete: later bytes are not part of it");
    }
    const end = Math.min(chunk.length, this.#maxBytes - this.#length);
    const scanned = this.#scan(chunk, end);
    if (this.#state === State.Complete) {
      this.#finish(chunk, scanned);
      return true;
    }
    if (this.#length + end === this.#maxBytes) {
      this.#fail("HEAD_TOO_LARGE", `The head is larger than ${this.#maxBytes} bytes`);
    }
    this.#keep(chunk, end);
    return false;
  }

  /** @internal Prepares for another head. */
  reset(): void {
    this.#state = State.StartLine;
    this.#startLineStart = this.#startLineEnd = this.#length = 0;
    this.#emptyLines = this.#lines = 0;
    this.#hasObsText = false;
    this.#buffer = this.#rest = EMPTY;
    this.#failure = this.#fields = undefined;
    this.#startLine = "";
  }

  /** The memory of the received part of the head, in bytes. */
  get held(): number {
    return this.#buffer.length;
  }

  /** The request line or status line, without its CRLF. */
  get startLine(): string {
    if (this.#fields === undefined) throw incomplete();
    return this.#startLine;
  }

  /** The header fields. */
  get fields(): HeaderFields {
    if (this.#fields === undefined) throw incomplete();
    return this.#fields;
  }

  /** The bytes after the head in its last chunk: a view, often empty. */
  get rest(): Uint8Array {
    if (this.#fields === undefined) throw incomplete();
    return this.#rest;
  }

  /** Scans `chunk` up to `end` or the end of the head; returns where it stopped. */
  #scan(chunk: Uint8Array, end: number): number {
    const base = this.#length;
    let state = this.#state;
    let seen = 0;
    let i = 0;
    while (i < end) {
      switch (state) {
        case State.StartLine:
          while (i < end && (CLASSES[chunk[i]] & TEXT) !== 0) seen |= CLASSES[chunk[i++]];
          if (i === end) break;
          if (chunk[i] !== CR) this.#failAt(base + i, chunk[i], "the start line");
          if (base + i === this.#startLineStart) {
            if (this.#emptyLines++ === this.#maxEmptyLines) {
              this.#failAt(base + i, CR, "the start line");
            }
            i++;
            state = State.EmptyLineFeed;
            break;
          }
          this.#startLineEnd = base + i++;
          state = State.StartLineFeed;
          break;
        case State.FieldStart:
          if (chunk[i] === CR) {
            i++;
            state = State.EndLineFeed;
            break;
          }
          if (this.#lines++ >= this.#maxLines) {
            this.#fail("HEAD_TOO_LARGE", `The head has more than ${this.#maxLines} field lines`);
          }
          // RFC 9112 5.2: a line that begins with white space would continue the last one
          // (obs-fold); it is rejected, like a line that begins with its colon.
          if ((CLASSES[chunk[i]] & TOKEN) === 0) {
            this.#failAt(base + i, chunk[i], "a field name");
          }
          i++;
          state = State.FieldName;
          break;
        case State.FieldName:
          while (i < end && (CLASSES[chunk[i]] & TOKEN) !== 0) i++;
          if (i === end) break;
          // RFC 9112 5.1: white space between the name and the colon must be rejected, too.
          if (chunk[i] !== COLON) this.#failAt(base + i, chunk[i], "a field name");
          i++;
          state = State.FieldValue;
          break;
        case State.FieldValue:
          while (i < end && (CLASSES[chunk[i]] & TEXT) !== 0) seen |= CLASSES[chunk[i++]];
          if (i === end) break;
          if (chunk[i] !== CR) this.#failAt(base + i, chunk[i], "a field value");
          i++;
          state = State.FieldLineFeed;
          break;
        default:
          // RFC 9112 2.2: a bare CR does not end a line.
          if (chunk[i] !== LF) this.#failAt(base + i, chunk[i], "a line's end");
          i++;
          if (state === State.EmptyLineFeed) {
            this.#startLineStart = base + i;
            state = State.StartLine;
            break;
          }
          if (state === State.EndLineFeed) end = i;
          state = state === State.EndLineFeed ? State.Complete : State.FieldStart;
      }
    }
    this.#state = state;
    if ((seen & OBS_TEXT) !== 0) this.#hasObsText = true;
    return i;
  }

  #keep(chunk: Uint8Array, count: number): void {
    const length = this.#length + count;
    if (length > this.#buffer.length) {
      const size = Math.max(length, 2 * this.#buffer.length, SMALLEST_BUFFER);
      const larger = new Uint8Array(Math.min(size, this.#maxBytes));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(count === chunk.length ? chunk : chunk.subarray(0, count), this.#length);
    this.#length = length;
  }

  #finish(chunk: Uint8Array, end: number): void {
    if (end < chunk.length) this.#rest = chunk.subarray(end);
    let head = end === chunk.length ? chunk : chunk.subarray(0, end);
    if (this.#length > 0) {
      this.#keep(chunk, end);
      head = this.#buffer.subarray(0, this.#length);
      this.#buffer = EMPTY;
    }
    const from = this.#startLineStart;
    if (from > 0) head = head.subarray(from);
    // Each byte is one character.
    const text = this.#hasObsText ? decodeBytes(head) : decoder.decode(head);
    const lineEnd = this.#startLineEnd - from;
    this.#startLine = text.slice(0, lineEnd);
    if (this.#hasObsText) this.#checkStrictFields(text, lineEnd + "\r\n".length);
    this.#fields = HeaderFields.fromParsed(text, lineEnd + "\r\n".length);
  }

  #checkStrictFields(text: string, at: number): void {
    const end = text.length - "\r\n".length;
    while (at < end) {
      const lineStart = at;
      at = text.indexOf("\n", at) + 1;
      if (!isStrictField(text.slice(lineStart, text.indexOf(":", lineStart)))) continue;
      for (let i = lineStart; i < at; i++) {
        const code = text.charCodeAt(i);
        if (code >= 0x80) this.#failAt(this.#startLineStart + i, code, "this field's value");
      }
    }
  }

  #failAt(offset: number, byte: number, place: string): never {
    const hex = byte.toString(16).toUpperCase().padStart(2, "0");
    this.#fail(
      "HEAD_MALFORMED",
      `The head is malformed at byte ${offset}: 0x${hex} is not allowed in ${place}`,
    );
  }

  #fail(code: "HEAD_TOO_LARGE" | "HEAD_MALFORMED", message: string): never {
    this.#buffer = EMPTY;
    const status = code === "HEAD_TOO_LARGE" ? 431 : 400;
    this.#failure = new HandshakeError(code, message, { status });
    throw this.#failure;
  }
}

/**
 * Decodes each byte as the character with its code, unlike `TextDecoder`, whose "latin1" is
 * windows-1252.
 */
function decodeBytes(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += DECODED_AT_ONCE) {
    text += String.fromCharCode(...bytes.subarray(at, at + DECODED_AT_ONCE));
  }
  return text;
}

function incomplete(): TypeError {
  return new TypeError("The head is not complete yet");
}

function positive(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`${name} is ${value}: it must be a positive integer`);
  }
  return value;
}

// The first line of a response: HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112 section 4).

/** The parts of a status line. */
export interface StatusLine {
  /** The minor version of HTTP/1, a digit: `"1"` of `HTTP/1.1`. */
  readonly minor: string;
  /** The status code, 100 to 999. */
  readonly status: number;
  /** The reason phrase; often empty. */
  readonly reason: string;
}

/** Parses the status line of an HTTP/1 response; `undefined` if it is invalid. */
export function parseStatusLine(line: string): StatusLine | undefined {
  const minor = line.slice(7, 8);
  const digits = line.slice(9, 12);
  const status = Number(digits);
  if (
    !line.startsWith("HTTP/1.") || !consistsOf(minor, DIGIT) || line[8] !== " " ||
    digits.length !== 3 || !consistsOf(digits, DIGIT) || status < 100 ||
    // The space before an empty reason phrase is often missing.
    (line.length > 12 && line[12] !== " ")
  ) {
    return undefined;
  }
  return { minor, status, reason: line.slice(13) };
}

/** The maximum characters of a peer's text in an error message. */
const MAX_QUOTED = 200;

/**
 * A peer's text for an error message: short, on one line, and safe for terminals. Bytes above 0x7F
 * (obs-text) are shown as UTF-8 if they are valid, otherwise as Latin-1.
 */
export function quoted(text: string): string {
  const readable = asUtf8(text);
  const short = readable.length <= MAX_QUOTED ? readable : readable.slice(0, MAX_QUOTED) + "...";
  let line = "";
  for (let i = 0; i < short.length; i++) {
    const code = short.charCodeAt(i);
    const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0);
    if (!isControl) line += short[i];
    else if (!line.endsWith(" ")) line += " ";
  }
  return line.trim();
}

function asUtf8(text: string): string {
  let isAscii = true;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff) return text;
    if (code > 0x7f) isAscii = false;
  }
  if (isAscii) return text;
  try {
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return text;
  }
}
